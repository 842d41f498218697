#include "base/xml.h"

void xml_init(struct xml *xml, struct bytes input)
{
    *xml = (struct xml){ .input = input };
    buf_init(&xml->collected, XML_TEXT_BYTES_MAX);
}

void xml_deinit(struct xml *xml)
{
    buf_deinit(&xml->collected);
}

static enum xml_event bad(const struct xml *xml, struct err *err, const char *words)
{
    err_set(err, ERR_PROTOCOL, "XML that cannot be read: %s at byte %zu", words, xml->at);
    return XML_BAD;
}

static bool starts_with(const struct xml *xml, const char *text)
{
    size_t len = strlen(text);
    return xml->input.len - xml->at >= len && memcmp(xml->input.ptr + xml->at, text, len) == 0;
}

/* Moves behind the next such text; false when there is none. */
static bool skip_past(struct xml *xml, const char *text, struct bytes *before)
{
    size_t len = strlen(text);
    const uint8_t *from = xml->input.ptr + xml->at;
    const uint8_t *found = memmem(from, xml->input.len - xml->at, text, len);
    if (!found) return false;
    if (before) *before = bytes_from(from, (size_t)(found - from));
    xml->at += (size_t)(found - from) + len;
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '_' || c == '-' || c == '.' || c >= 0x80;
}

/* The name at `at`, without its prefix; empty when there is none. */
static struct bytes name_take(struct xml *xml)
{
    size_t from = xml->at;
    while (xml->at < xml->input.len && (is_name(xml->input.ptr[xml->at]) || xml->input.ptr[xml->at] == ':')) {
        if (xml->input.ptr[xml->at++] == ':') from = xml->at;
    }
    return bytes_from(xml->input.ptr + from, xml->at - from);
}

static bool utf8_put(struct buf *out, uint32_t c)
{
    uint8_t bytes[4];
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = len - 1; i > 0; i--, c >>= 6) bytes[i] = (uint8_t)(0x80 | (c & 0x3F));
    bytes[0] = (uint8_t)(lead[len] | c);
    return buf_add(out, bytes, len);
}

/* "&#233;" and "&#xe9;", without "&" and ";". */
static bool number_put(struct buf *out, struct bytes digits)
{
    bool is_hex = digits.len > 0 && digits.ptr[0] == 'x';
    uint32_t c = 0;
    size_t from = is_hex ? 1 : 0;
    if (digits.len == from || digits.len > from + 7) return false;
    for (size_t i = from; i < digits.len; i++) {
        uint8_t digit = digits.ptr[i];
        uint8_t low = digit | 0x20;
        if (digit >= '0' && digit <= '9') {
            c = c * (is_hex ? 16 : 10) + (digit - (uint32_t)'0');
        } else if (is_hex && low >= 'a' && low <= 'f') {
            c = c * 16 + 10 + (low - (uint32_t)'a');
        } else {
            return false;
        }
    }
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return false;
    return utf8_put(out, c);
}

static bool entity_put(struct buf *out, struct bytes name)
{
    static const struct {
        const char *name, *text;
    } known[] = { { "amp", "&" }, { "lt", "<" }, { "gt", ">" }, { "quot", "\"" }, { "apos", "'" } };
    if (name.len > 1 && name.ptr[0] == '#') return number_put(out, bytes_from(name.ptr + 1, name.len - 1));
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (bytes_equal(name, bytes_of_text(known[i].name))) return buf_add(out, known[i].text, 1);
    return false;
}

/* Text up to the next "<". */
static bool text_take(struct xml *xml)
{
    while (xml->at < xml->input.len && xml->input.ptr[xml->at] != '<') {
        const uint8_t *from = xml->input.ptr + xml->at;
        size_t len = 0, rest = xml->input.len - xml->at;
        while (len < rest && from[len] != '<' && from[len] != '&') len++;
        if (xml->open_count == 0) { /* between the root and the file's ends there is nothing but white space */
            for (size_t i = 0; i < len; i++)
                if (!is_space(from[i])) return false;
        }
        if (!buf_add(&xml->collected, from, len)) return false;
        xml->at += len;
        if (len == rest || from[len] == '<') continue;
        struct bytes name;
        xml->at++;
        if (xml->open_count == 0 || !skip_past(xml, ";", &name) || !entity_put(&xml->collected, name)) return false;
    }
    return true;
}

static enum xml_event open_take(struct xml *xml, struct err *err)
{
    xml->at++;
    struct bytes name = name_take(xml);
    if (name.len == 0) return bad(xml, err, "a tag without a name");
    if (xml->open_count == XML_DEPTH_MAX) return bad(xml, err, "elements that lie too deep");
    if (xml->open_count == 0 && xml->has_root) return bad(xml, err, "a second root");
    uint8_t quote = 0;
    for (; xml->at < xml->input.len; xml->at++) {
        uint8_t c = xml->input.ptr[xml->at];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            break;
        } else if (c == '<') {
            return bad(xml, err, "a tag within a tag");
        }
    }
    if (xml->at == xml->input.len) return bad(xml, err, "a tag without an end");
    xml->is_empty_tag = xml->input.ptr[xml->at - 1] == '/';
    xml->at++;
    xml->names[xml->open_count++] = name;
    xml->has_root = true;
    xml->is_leaf = true;
    xml->collected.len = 0;
    xml->name = name;
    xml->text = (struct bytes){ 0 };
    xml->depth = xml->open_count;
    return XML_OPEN;
}

static enum xml_event element_close(struct xml *xml)
{
    xml->depth = xml->open_count--;
    xml->name = xml->names[xml->open_count];
    xml->text = xml->is_leaf ? buf_bytes(&xml->collected) : (struct bytes){ 0 };
    xml->is_leaf = false;
    return XML_CLOSE;
}

static enum xml_event close_take(struct xml *xml, struct err *err)
{
    xml->at += 2;
    struct bytes name = name_take(xml);
    while (xml->at < xml->input.len && is_space(xml->input.ptr[xml->at])) xml->at++;
    if (xml->at == xml->input.len || xml->input.ptr[xml->at] != '>') return bad(xml, err, "a tag without an end");
    if (xml->open_count == 0 || !bytes_equal(name, xml->names[xml->open_count - 1]))
        return bad(xml, err, "an end tag without its beginning");
    xml->at++;
    return element_close(xml);
}

/* Comments, instructions and CDATA; false: not such a thing, or cut. */
static bool special_take(struct xml *xml)
{
    struct bytes text;
    if (starts_with(xml, "<?")) return skip_past(xml, "?>", NULL);
    if (starts_with(xml, "<!--")) {
        xml->at += 4;
        return skip_past(xml, "-->", NULL);
    }
    if (!starts_with(xml, "<![CDATA[") || xml->open_count == 0) return false;
    xml->at += 9;
    return skip_past(xml, "]]>", &text) && buf_add(&xml->collected, text.ptr, text.len);
}

enum xml_event xml_next(struct xml *xml, struct err *err)
{
    if (xml->at == 0 && xml->input.len > 0 && memchr(xml->input.ptr, 0, xml->input.len))
        return bad(xml, err, "a byte that is no character"); /* so that text can be a C string */
    if (xml->is_empty_tag) {
        xml->is_empty_tag = false;
        return element_close(xml);
    }
    for (;;) {
        if (!text_take(xml)) return bad(xml, err, "text that may not stand there");
        if (xml->at == xml->input.len) break;
        if (starts_with(xml, "</")) return close_take(xml, err);
        if (!starts_with(xml, "<?") && !starts_with(xml, "<!")) return open_take(xml, err);
        if (!special_take(xml)) return bad(xml, err, "a declaration that is not taken");
    }
    if (xml->open_count > 0 || !xml->has_root) return bad(xml, err, "the end of the text within an element");
    return XML_END;
}

bool xml_put_text(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool ok = c == '&'   ? buf_add(out, "&amp;", 5)
                  : c == '<' ? buf_add(out, "&lt;", 4)
                  : c == '>' ? buf_add(out, "&gt;", 4)
                  : c < ' '  ? buf_printf(out, "&#%u;", c)
                             : buf_add(out, &c, 1);
        if (!ok) return false;
    }
    return true;
}
