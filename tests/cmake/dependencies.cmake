# Every library gridd needs, each with the Debian 12 package to install when it is missing.

include(CheckCSourceCompiles)

# gridd_find(NAME HEADER LIBRARY PACKAGE): makes the imported target gridd::NAME. NAME_ROOT is searched first.
function(gridd_find name header library package)
    find_path(${name}_INCLUDE_DIR ${header} HINTS ${${name}_ROOT}/include)
    find_library(${name}_LIBRARY ${library} HINTS ${${name}_ROOT}/lib)
    if(NOT ${name}_INCLUDE_DIR OR NOT ${name}_LIBRARY)
        message(FATAL_ERROR "gridd needs ${name} (${header}, lib${library}): apt-get install ${package}")
    endif()
    add_library(gridd::${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(gridd::${name} PROPERTIES
        IMPORTED_LOCATION "${${name}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${${name}_INCLUDE_DIR}")
    mark_as_advanced(${name}_INCLUDE_DIR ${name}_LIBRARY)
endfunction()

gridd_find(uv uv.h uv libuv1-dev)
gridd_find(RocksDB rocksdb/c.h rocksdb librocksdb-dev)
gridd_find(xxHash xxhash.h xxhash libxxhash-dev)
gridd_find(jemalloc jemalloc/jemalloc.h jemalloc libjemalloc-dev)
gridd_find(lz4 lz4.h lz4 liblz4-dev)
gridd_find(zlib zlib.h z zlib1g-dev)
gridd_find(zstd zstd.h zstd libzstd-dev)
gridd_find(ssl openssl/ssl.h ssl libssl-dev)
gridd_find(crypto openssl/evp.h crypto libssl-dev)
gridd_find(cyaml cyaml/cyaml.h cyaml libcyaml-dev)
gridd_find(yaml yaml.h yaml libyaml-dev)
gridd_find(cmocka cmocka.h cmocka libcmocka-dev)
gridd_find(yajl yajl/yajl_parse.h yajl libyajl-dev)
find_package(Threads REQUIRED)

# gridd_find_script(NAME FILE PACKAGE): where a script or style sheet of Debian's libjs-* packages lies.
function(gridd_find_script name file package)
    find_file(GRIDD_${name} ${file} PATHS /usr/share/javascript /usr/share/nodejs NO_DEFAULT_PATH)
    if(NOT GRIDD_${name})
        message(FATAL_ERROR "gridd's console needs ${file}: apt-get install ${package}")
    endif()
    mark_as_advanced(GRIDD_${name})
endfunction()

gridd_find_script(leaflet_js leaflet/leaflet.min.js libjs-leaflet)
gridd_find_script(leaflet_css leaflet/leaflet.css libjs-leaflet)
gridd_find_script(markercluster_js leaflet/leaflet.markercluster.min.js libjs-leaflet.markercluster)
gridd_find_script(markercluster_css leaflet/MarkerCluster.css libjs-leaflet.markercluster)
gridd_find_script(chart_js chart.js/chart.min.js libjs-chart.js)

# llhttp: a packaged library where there is one (libllhttp-dev), else Debian 12's node-llhttp sources, compiled strict.
find_path(llhttp_INCLUDE_DIR llhttp.h PATH_SUFFIXES llhttp)
find_library(llhttp_LIBRARY llhttp)
find_path(llhttp_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
if(llhttp_INCLUDE_DIR AND llhttp_LIBRARY)
    add_library(gridd_llhttp UNKNOWN IMPORTED GLOBAL)
    set_target_properties(gridd_llhttp PROPERTIES
        IMPORTED_LOCATION "${llhttp_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${llhttp_INCLUDE_DIR}")
elseif(NOT llhttp_SOURCE_DIR)
    message(FATAL_ERROR "gridd needs llhttp (llhttp.h, llhttp.c): apt-get install node-llhttp")
else()
    find_path(llhttp_SHARE_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp /usr/share/llhttp NO_DEFAULT_PATH)
    if(NOT llhttp_SHARE_INCLUDE_DIR)
        message(FATAL_ERROR "gridd needs llhttp.h: apt-get install node-llhttp")
    endif()
    add_library(gridd_llhttp STATIC
        ${llhttp_SOURCE_DIR}/api.c ${llhttp_SOURCE_DIR}/http.c ${llhttp_SOURCE_DIR}/llhttp.c)
    target_include_directories(gridd_llhttp SYSTEM PUBLIC ${llhttp_SHARE_INCLUDE_DIR})
    target_compile_definitions(gridd_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
endif()
