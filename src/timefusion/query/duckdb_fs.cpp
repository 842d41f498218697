// C++ since DuckDB's file systems have no C face. Written against 1.5.6 (deps/bring pins it). No exception leaves a C function.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" // C's way to set the rest to zero
extern "C" {
#include "base/bytes.h"
#include "base/err.h"
}
#pragma GCC diagnostic pop
#include "duckdb.hpp"
#include "duckdb/common/multi_file/multi_file_list.hpp"
#include "duckdb/main/capi/capi_internal.hpp"
#include "timefusion/query/duckdb_fs.h"
#include <atomic>
#include <cstring>
#include <shared_mutex>
#include <unordered_map>

namespace {

using namespace duckdb;

constexpr const char *SCHEME = "mono://";
constexpr idx_t SCHEME_BYTES = 7;
constexpr const char *SOURCE = "mono_source"; // extended info: the path with the snapshot

struct Counts {
    std::atomic<uint64_t> reads{ 0 }, bytes{ 0 };
};

struct Snapshot {
    bool (*read)(void *, uint64_t, void *, size_t, struct err *);
    void (*release)(void *);
    void *ctx;
    std::unordered_map<std::string, duckdb_fs_file> files; // names are kept alive by the keys
    std::atomic<uint64_t> bytes{ 0 }, bytes_max{ UINT64_MAX };
    explicit Snapshot(const duckdb_fs_snapshot &shown) : read(shown.read), release(shown.release), ctx(shown.ctx) {}
    ~Snapshot()
    {
        if (release) release(ctx);
    }
};

// What is written, in memory.
struct Out {
    std::string written;
    size_t bytes_max;
};

struct Table {
    std::shared_mutex lock;
    std::unordered_map<std::string, std::shared_ptr<Out>> outs; // by path
    std::unordered_map<std::string, std::shared_ptr<Snapshot>> snapshots;
    Counts counts;

    std::shared_ptr<Snapshot> Of(uint64_t id)
    {
        std::shared_lock<std::shared_mutex> guard(lock);
        auto snapshot = snapshots.find(std::to_string(id));
        return snapshot == snapshots.end() ? nullptr : snapshot->second;
    }

    // The snapshot and file of "mono://<id>/<name>"; null when it is not there.
    std::shared_ptr<Snapshot> Find(const string &path, const duckdb_fs_file *&file)
    {
        if (path.compare(0, SCHEME_BYTES, SCHEME) != 0) return nullptr;
        auto slash = path.find('/', SCHEME_BYTES);
        if (slash == string::npos || slash == SCHEME_BYTES || slash + 1 >= path.size()) return nullptr;
        std::shared_lock<std::shared_mutex> guard(lock);
        auto snapshot = snapshots.find(path.substr(SCHEME_BYTES, slash - SCHEME_BYTES));
        if (snapshot == snapshots.end()) return nullptr;
        auto entry = snapshot->second->files.find(path.substr(slash + 1));
        if (entry == snapshot->second->files.end()) return nullptr;
        file = &entry->second;
        return snapshot->second;
    }
};

struct OutHandle : public FileHandle {
    std::shared_ptr<Out> out;

    OutHandle(FileSystem &fs, const string &name, FileOpenFlags mode, std::shared_ptr<Out> held)
        : FileHandle(fs, name, mode), out(std::move(held))
    {
    }
    ~OutHandle() override = default;
    void Close() override {}
};

struct Handle : public FileHandle {
    std::shared_ptr<Snapshot> snapshot;
    const duckdb_fs_file *file;
    idx_t position = 0;

    Handle(FileSystem &fs, const string &name, FileOpenFlags mode, std::shared_ptr<Snapshot> held,
           const duckdb_fs_file *opened)
        : FileHandle(fs, name, mode), snapshot(std::move(held)), file(opened)
    {
    }
    ~Handle() override = default;
    void Close() override {} // the snapshot is let go with the handle: a reader may still be at it
};

class ReadOnlyFiles : public FileSystem {
  public:
    explicit ReadOnlyFiles(std::shared_ptr<Table> files) : table(std::move(files)) {}

    string GetName() const override
    {
        return "mono";
    }
    bool CanHandleFile(const string &path) override
    {
        return path.compare(0, SCHEME_BYTES, SCHEME) == 0;
    }
    bool IsManuallySet() override
    {
        return true;
    } // before any other file system
    string PathSeparator(const string &) override
    {
        return "/";
    }
    string CanonicalizePath(const string &path, optional_ptr<FileOpener>) override
    {
        return path;
    } // the table decides, not the text

    bool SupportsOpenFileExtended() const override
    {
        return true;
    }
    unique_ptr<FileHandle> OpenFileExtended(const OpenFileInfo &info, FileOpenFlags flags,
                                            optional_ptr<FileOpener>) override
    {
        if (auto out = OutOf(info.path); out && flags.OpenForWriting() && !flags.OpenForReading())
            return make_uniq<OutHandle>(*this, info.path, flags, std::move(out));
        if (flags.OpenForWriting() || flags.CreateFileIfNotExists() || flags.OverwriteExistingFile() ||
            flags.OpenForAppending())
            Refuse();
        string path = info.path;
        if (info.extended_info) {
            auto source = info.extended_info->options.find(SOURCE);
            if (source != info.extended_info->options.end()) path = source->second.ToString();
        }
        const duckdb_fs_file *file = nullptr;
        auto snapshot = table->Find(path, file);
        if (!snapshot) {
            if (flags.ReturnNullIfNotExists()) return nullptr;
            Refuse();
        }
        return make_uniq<Handle>(*this, info.path, flags, std::move(snapshot), file);
    }

    void Read(FileHandle &handle, void *to, int64_t len, idx_t offset) override
    {
        auto &own = handle.Cast<Handle>();
        struct err err = {};
        if (len < 0 || offset > own.file->bytes || (idx_t)len > own.file->bytes - offset)
            throw IOException("telemetry file \"%s\" is shorter than it says", own.file->name);
        if (own.snapshot->bytes.fetch_add((uint64_t)len) + (uint64_t)len > own.snapshot->bytes_max)
            throw IOException("more bytes of files than a statement may read");
        if (!own.snapshot->read(own.file->file, offset, to, (size_t)len, &err))
            throw IOException("%s", std::string(err.text));
        table->counts.reads++;
        table->counts.bytes += (uint64_t)len;
    }
    int64_t Write(FileHandle &handle, void *from, int64_t len) override
    {
        auto &out = *handle.Cast<OutHandle>().out;
        if (len < 0 || (size_t)len > out.bytes_max - out.written.size())
            throw IOException("what is written is too long");
        out.written.append((const char *)from, (size_t)len);
        return len;
    }
    void FileSync(FileHandle &) override {}
    int64_t Read(FileHandle &handle, void *to, int64_t len) override
    {
        auto &own = handle.Cast<Handle>();
        if (own.position >= own.file->bytes) return 0;
        len = MinValue<int64_t>(len, (int64_t)(own.file->bytes - own.position));
        Read(handle, to, len, own.position);
        own.position += (idx_t)len;
        return len;
    }
    void Seek(FileHandle &handle, idx_t position) override
    {
        handle.Cast<Handle>().position = position;
    }
    idx_t SeekPosition(FileHandle &handle) override
    {
        return handle.Cast<Handle>().position;
    }
    void Reset(FileHandle &handle) override
    {
        handle.Cast<Handle>().position = 0;
    }
    bool CanSeek() override
    {
        return true;
    }
    bool OnDiskFile(FileHandle &) override
    {
        return false;
    } // so that DuckDB reads neighbouring columns at once

    int64_t GetFileSize(FileHandle &handle) override
    {
        if (auto out = OutOf(handle.path)) return (int64_t)out->written.size();
        return (int64_t)handle.Cast<Handle>().file->bytes;
    }
    timestamp_t GetLastModifiedTime(FileHandle &) override
    {
        return timestamp_t(0);
    } // immutable
    string GetVersionTag(FileHandle &handle) override
    {
        return handle.Cast<Handle>().file->name;
    }
    FileType GetFileType(FileHandle &) override
    {
        return FileType::FILE_TYPE_REGULAR;
    }
    FileMetadata Stats(FileHandle &handle) override
    {
        FileMetadata metadata;
        metadata.file_size = GetFileSize(handle);
        metadata.last_modification_time = GetLastModifiedTime(handle);
        metadata.file_type = FileType::FILE_TYPE_REGULAR;
        return metadata;
    }

    bool FileExists(const string &path, optional_ptr<FileOpener>) override
    {
        const duckdb_fs_file *file = nullptr;
        return table->Find(path, file) != nullptr;
    }
    bool DirectoryExists(const string &, optional_ptr<FileOpener>) override
    {
        return false;
    }
    bool IsPipe(const string &, optional_ptr<FileOpener>) override
    {
        return false;
    }

    // Runs at every bind, even with a warm cache: here it is decided who may read what.
    bool SupportsGlobExtended() const override
    {
        return true;
    }
    unique_ptr<MultiFileList> GlobFilesExtended(const string &path, const FileGlobInput &,
                                                optional_ptr<FileOpener>) override
    {
        const duckdb_fs_file *file = nullptr;
        if (!table->Find(path, file)) Refuse();
        OpenFileInfo info(string(SCHEME) + "-/" + file->name); // one cache entry for all snapshots
        info.extended_info = make_shared_ptr<ExtendedOpenFileInfo>();
        info.extended_info->options[SOURCE] = Value(path);
        info.extended_info->options["file_size"] = Value::UBIGINT(file->bytes);
        vector<OpenFileInfo> files;
        files.push_back(std::move(info));
        return make_uniq<SimpleMultiFileList>(std::move(files));
    }

    void RemoveFile(const string &, optional_ptr<FileOpener>) override
    {
        Refuse();
    }
    bool TryRemoveFile(const string &, optional_ptr<FileOpener>) override
    {
        Refuse();
    }
    void RemoveFiles(const vector<string> &, optional_ptr<FileOpener>) override
    {
        Refuse();
    }
    void MoveFile(const string &, const string &, optional_ptr<FileOpener>) override
    {
        Refuse();
    }
    void CreateDirectory(const string &, optional_ptr<FileOpener>) override
    {
        Refuse();
    }
    void RemoveDirectory(const string &, optional_ptr<FileOpener>) override
    {
        Refuse();
    }
    void Truncate(FileHandle &, int64_t) override
    {
        Refuse();
    }

  private:
    std::shared_ptr<Out> OutOf(const string &path)
    {
        std::shared_lock<std::shared_mutex> guard(table->lock);
        auto out = table->outs.find(path);
        return out == table->outs.end() ? nullptr : out->second;
    }
    [[noreturn]] static void Refuse()
    {
        throw PermissionException("only the files of a snapshot can be read");
    }
    std::shared_ptr<Table> table;
};

} // namespace

struct duckdb_fs {
    std::shared_ptr<Table> table;
};

extern "C" bool duckdb_fs_register(duckdb_database database, struct duckdb_fs **fs, struct err *err)
{
    try {
        auto files = std::make_shared<Table>();
        auto wrapper = reinterpret_cast<duckdb::DatabaseWrapper *>(database);
        wrapper->database->instance->GetFileSystem().RegisterSubSystem(duckdb::make_uniq<ReadOnlyFiles>(files));
        *fs = new duckdb_fs{ std::move(files) };
        return true;
    } catch (std::exception &failure) {
        return err_set(err, ERR_INTERNAL, "DuckDB does not take our file system: %s", failure.what());
    }
}

extern "C" void duckdb_fs_close(struct duckdb_fs *fs)
{
    delete fs;
}

extern "C" void duckdb_fs_add(struct duckdb_fs *fs, const struct duckdb_fs_snapshot *shown)
{
    auto snapshot = std::make_shared<Snapshot>(*shown);
    snapshot->files.reserve(shown->file_count);
    for (uint32_t i = 0; i < shown->file_count; i++) {
        auto entry = snapshot->files.emplace(shown->files[i].name, shown->files[i]).first;
        entry->second.name = entry->first.c_str();
    }
    std::unique_lock<std::shared_mutex> guard(fs->table->lock);
    fs->table->snapshots[std::to_string(shown->id)] = std::move(snapshot);
}

extern "C" void duckdb_fs_drop(struct duckdb_fs *fs, uint64_t snapshot_id)
{
    std::shared_ptr<Snapshot> last; // released outside the lock
    std::unique_lock<std::shared_mutex> guard(fs->table->lock);
    auto entry = fs->table->snapshots.find(std::to_string(snapshot_id));
    if (entry == fs->table->snapshots.end()) return;
    last = std::move(entry->second);
    fs->table->snapshots.erase(entry);
    guard.unlock();
}

static std::string out_path(uint64_t id)
{
    return std::string(SCHEME) + "out/" + std::to_string(id);
}

extern "C" void duckdb_fs_out_begin(struct duckdb_fs *fs, uint64_t id, size_t bytes_max)
{
    std::unique_lock<std::shared_mutex> guard(fs->table->lock);
    fs->table->outs[out_path(id)] = std::make_shared<Out>(Out{ {}, bytes_max });
}

extern "C" void duckdb_fs_out_end(struct duckdb_fs *fs, uint64_t id, struct bytes *bytes)
{
    std::unique_lock<std::shared_mutex> guard(fs->table->lock);
    auto entry = fs->table->outs.find(out_path(id));
    if (entry == fs->table->outs.end()) return;
    if (bytes) {
        const std::string &written = entry->second->written;
        uint8_t *copy = (uint8_t *)mem_alloc(written.size() + 1);
        memcpy(copy, written.data(), written.size());
        *bytes = { copy, written.size() };
    }
    fs->table->outs.erase(entry);
}

extern "C" void duckdb_fs_counts(const struct duckdb_fs *fs, uint64_t *reads, uint64_t *bytes)
{
    *reads = fs->table->counts.reads;
    *bytes = fs->table->counts.bytes;
}

extern "C" uint64_t duckdb_fs_bytes(const struct duckdb_fs *fs, uint64_t snapshot_id)
{
    auto snapshot = fs->table->Of(snapshot_id);
    return snapshot ? snapshot->bytes.load() : 0;
}

extern "C" void duckdb_fs_limit(struct duckdb_fs *fs, uint64_t snapshot_id, uint64_t bytes_max)
{
    auto snapshot = fs->table->Of(snapshot_id);
    if (snapshot) snapshot->bytes_max = bytes_max;
}

extern "C" bool duckdb_fs_is_over(const struct duckdb_fs *fs, uint64_t snapshot_id)
{
    auto snapshot = fs->table->Of(snapshot_id);
    return snapshot && snapshot->bytes > snapshot->bytes_max;
}
