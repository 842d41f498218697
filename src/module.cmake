# module(folder USES ...): makes of one folder
#   *.c *.cpp          library mono_<folder>, e.g. mono_timefusion_parquet
#   *_test.c           a cmocka program each, registered with CTest (label unit; and threads, for ThreadSanitizer, when the
#                      folder has some and the file does not begin with "threads: none")
#   *_fuzz.c           a fuzz target each; libFuzzer in the build for asan, elsewhere it replays <folder>/corpus/<name>/ with mutations (CTest label fuzz)
#   *_bench.c          a program each
# USES names lower folders (worker/otlp) or libraries (dep::zstd).

set(MONO_MODULES "" CACHE INTERNAL "")
set(test_seconds_max 120)
if(MONO_SANITIZE)
    set(test_seconds_max 300)
endif()

# Those that take long, the longest first: none is waited for alone at the end.
set(slow_tests isolation index prune kafka_group worker rollup_tap delta meta cache cube change identity accounts llm kafka_producer
    peers kept hidden)

# Columns of the tables, from the one place that lists them.
file(GLOB schema_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schemas/*.schema)
set(schema_header ${CMAKE_BINARY_DIR}/generated/timefusion/schema/schema_columns.h)
set(schema_awk ${CMAKE_CURRENT_SOURCE_DIR}/timefusion/schema/generate.awk)
add_custom_command(OUTPUT ${schema_header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated/timefusion/schema
    COMMAND awk -f ${schema_awk} ${schema_files} > ${schema_header}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${schema_header}.new ${schema_header}
    DEPENDS ${schema_awk} ${schema_files}
    COMMENT "schema_columns.h" VERBATIM)
# Migrations of the metadata, as one list.
file(GLOB migration_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/meta/migrations/*.sql)
list(SORT migration_files)
set(migrations_header ${CMAKE_BINARY_DIR}/generated/meta/migrations.h)
set(migrations_awk ${CMAKE_CURRENT_SOURCE_DIR}/meta/migrations/generate.awk)
add_custom_command(OUTPUT ${migrations_header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated/meta
    COMMAND awk -f ${migrations_awk} ${migration_files} > ${migrations_header}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${migrations_header}.new ${migrations_header}
    DEPENDS ${migrations_awk} ${migration_files}
    COMMENT "migrations.h" VERBATIM)
# Known errors of frameworks and transports, as tables.
set(known_header ${CMAKE_BINARY_DIR}/generated/errors/known_table.h)
set(known_awk ${CMAKE_CURRENT_SOURCE_DIR}/errors/known_generate.awk)
set(known_tsv ${CMAKE_CURRENT_SOURCE_DIR}/errors/known.tsv)
add_custom_command(OUTPUT ${known_header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated/errors
    COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C awk -f ${known_awk} ${known_tsv} > ${known_header}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${known_header}.new ${known_header}
    DEPENDS ${known_awk} ${known_tsv}
    COMMENT "known_table.h" VERBATIM)
# Schemas of the REST API, as texts.
file(GLOB api_schema_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/web/api/schemas/*.json)
list(SORT api_schema_files)
set(api_schema_header ${CMAKE_BINARY_DIR}/generated/web/api/schema_texts.h)
set(api_schema_awk ${CMAKE_CURRENT_SOURCE_DIR}/web/api/embed.awk)
add_custom_command(OUTPUT ${api_schema_header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated/web/api
    COMMAND awk -v what=schema -f ${api_schema_awk} ${api_schema_files} > ${api_schema_header}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${api_schema_header}.new ${api_schema_header}
    DEPENDS ${api_schema_awk} ${api_schema_files}
    COMMENT "schema_texts.h" VERBATIM)
# Ready dashboards, as texts.
file(GLOB dashboard_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/dashboards/*.yaml)
list(SORT dashboard_files)
set(dashboard_header ${CMAKE_BINARY_DIR}/generated/web/api/dashboard_texts.h)
add_custom_command(OUTPUT ${dashboard_header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated/web/api
    COMMAND awk -v what=dashboard -f ${api_schema_awk} ${dashboard_files} > ${dashboard_header}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${dashboard_header}.new ${dashboard_header}
    DEPENDS ${api_schema_awk} ${dashboard_files}
    COMMENT "dashboard_texts.h" VERBATIM)
# The web UI: built once for all presets (build/web/ui), embedded by web/ui.
file(GLOB_RECURSE ui_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ui/src/* ${CMAKE_SOURCE_DIR}/ui/public/*
    ${CMAKE_SOURCE_DIR}/sdk/browser/src/*)
file(GLOB ui_settings CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ui/*.json ${CMAKE_SOURCE_DIR}/ui/*.ts ${CMAKE_SOURCE_DIR}/ui/*.html
    ${CMAKE_SOURCE_DIR}/sdk/browser/*.json ${CMAKE_SOURCE_DIR}/sdk/browser/build ${CMAKE_SOURCE_DIR}/deps/nodepackages.py)
set(ui_files ${CMAKE_SOURCE_DIR}/build/web/ui/files.inc)
add_custom_command(OUTPUT ${ui_files}
    COMMAND ${CMAKE_COMMAND} -E env MONO_DEPS_DIR=${MONO_DEPS_DIR} ${CMAKE_SOURCE_DIR}/ui/build
    DEPENDS ${CMAKE_SOURCE_DIR}/ui/build ${ui_sources} ${ui_settings}
    COMMENT "the web UI" VERBATIM)
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/web/ui/ui.c PROPERTIES OBJECT_DEPENDS ${ui_files}
    INCLUDE_DIRECTORIES ${CMAKE_SOURCE_DIR}/build COMPILE_OPTIONS -Wa,-I${CMAKE_SOURCE_DIR}/build)
# Where ONNX Runtime and its model are, for whoever names no other place.
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/errors/embed.c ${CMAKE_CURRENT_SOURCE_DIR}/errors/wordpiece_test.c
    PROPERTIES COMPILE_DEFINITIONS MONO_DEPS_DIR="${MONO_DEPS_DIR}")
add_custom_target(schema_columns DEPENDS ${schema_header} ${migrations_header} ${known_header} ${api_schema_header} ${dashboard_header})

function(module folder)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
    string(REPLACE "/" "_" name "mono_${folder}")
    set(dir ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
    file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.c ${dir}/*.cpp)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.c$")
    set(fuzzers ${sources})
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.c$")
    set(benches ${sources})
    list(FILTER benches INCLUDE REGEX "_bench\\.c$")
    list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.c$|/fuzz_main\\.c$")
    set(main ${sources}) # a folder's main.c belongs to its program, not to its library
    list(FILTER main INCLUDE REGEX "/main\\.c$")
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")

    set(uses mono_flags Threads::Threads m)
    foreach(used IN LISTS arg_USES)
        if(used MATCHES "^dep::")
            list(APPEND uses ${used})
        else()
            string(REPLACE "/" "_" used "mono_${used}")
            list(APPEND uses ${used})
        endif()
    endforeach()
    if(sources)
        add_library(${name} STATIC ${sources})
        if(MONO_SANITIZE) # built when a test needs it
            set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
        endif()
        target_link_libraries(${name} PUBLIC ${uses})
    else() # nothing but headers
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${uses})
    endif()
    add_dependencies(${name} schema_columns)
    set(MONO_MODULES ${MONO_MODULES} ${name} CACHE INTERNAL "")
    set(${name}_main ${main} PARENT_SCOPE)

    set(module_labels "")
    foreach(source IN LISTS sources tests)
        file(STRINGS ${source} threads REGEX "pthread_create|thrd_create|base/thread\\.h|base/queue\\.h|uv_thread" LIMIT_COUNT 1)
        if(threads AND NOT "dep::duckdb" IN_LIST arg_USES) # DuckDB's own threads are not built for ThreadSanitizer
            set(module_labels threads)
        endif()
    endforeach()
    foreach(source IN LISTS tests)
        module_program(${name} ${source} program)
        if(NOT TARGET PkgConfig::cmocka)
            set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON)
            continue()
        endif()
        target_link_libraries(${program} PRIVATE PkgConfig::cmocka)
        target_compile_options(${program} PRIVATE -Wno-missing-field-initializers)
        target_compile_definitions(${program} PRIVATE MONO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
        add_test(NAME ${program} COMMAND ${program} WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
        set(labels ${module_labels})
        file(STRINGS ${source} without REGEX "^/\\* threads: none \\*/" LIMIT_COUNT 1)
        if(without)
            set(labels "")
        endif()
        set_tests_properties(${program} PROPERTIES LABELS "unit;${labels}" TIMEOUT ${test_seconds_max})
        string(REGEX REPLACE "_test$" "" tested ${program})
        list(FIND slow_tests ${tested} place)
        if(NOT place EQUAL -1)
            math(EXPR cost "100 - ${place}")
            set_tests_properties(${program} PROPERTIES COST ${cost})
        endif()
        if(MONO_SANITIZE STREQUAL "thread" AND NOT labels) # not run there
            set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON)
        endif()
    endforeach()
    foreach(source IN LISTS fuzzers)
        module_program(${name} ${source} program)
        set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
        if(MONO_SANITIZE MATCHES address)
            target_link_options(${program} PRIVATE -fsanitize=fuzzer)
        else()
            target_sources(${program} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/base/fuzz_main.c)
            string(REGEX REPLACE "_fuzz$" "" stem ${program})
            set(corpus ${dir}/corpus/${stem})
            if(IS_DIRECTORY ${dir}/corpus/${program})
                set(corpus ${dir}/corpus/${program})
            endif()
            add_test(NAME ${program} COMMAND ${program} 20000 ${corpus})
            set_tests_properties(${program} PROPERTIES LABELS fuzz TIMEOUT ${test_seconds_max})
            if(MONO_SANITIZE) # they have no threads
                set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON)
            endif()
        endif()
    endforeach()
    foreach(source IN LISTS benches)
        module_program(${name} ${source} program)
        set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
        if(MONO_SANITIZE) # its figures would say nothing
            set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON)
        endif()
    endforeach()
endfunction()

# isolation_test has the gate with its seeded defects (gate_defect.h): these files once more, before the library's.
function(gate_with_defects)
    set(dir ${CMAKE_CURRENT_SOURCE_DIR}/timefusion/query)
    target_sources(isolation_test PRIVATE ${dir}/choice.c ${dir}/from.c ${dir}/function.c ${dir}/select.c
        ${dir}/session_rows.c ${dir}/insert_row.c)
    target_compile_definitions(isolation_test PRIVATE MONO_GATE_DEFECTS)
    if(TEST isolation_test) # 5,000 statements in two stores: 40 s of CPU
        set_tests_properties(isolation_test PROPERTIES TIMEOUT 600)
    endif()
endfunction()

# One program of one source file and its module; named after the file.
function(module_program module source program_out)
    get_filename_component(program ${source} NAME_WE)
    if(TARGET ${program}) # two folders have a file of that name
        set(program ${module}_${program})
    endif()
    add_executable(${program} ${source})
    target_link_libraries(${program} PRIVATE ${module})
    set(${program_out} ${program} PARENT_SCOPE)
endfunction()

# The server: main.c of that folder, with all modules.
function(monoscope_executable folder)
    string(REPLACE "/" "_" name "mono_${folder}")
    if(NOT ${name}_main)
        return()
    endif()
    add_executable(monoscope ${${name}_main})
    target_link_libraries(monoscope PRIVATE ${MONO_MODULES})
    set_target_properties(monoscope PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
    if(MONO_SANITIZE) # the stories run the release build; `ninja monoscope` makes it
        set_target_properties(monoscope PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    install(TARGETS monoscope RUNTIME DESTINATION bin)
endfunction()
