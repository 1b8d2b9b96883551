// What libzookeeper calls back, and what its codes mean. Each copies what it is given and passes it to the callback table
// under the number that it was asked with.
#pragma once

#include "session/session.h"

#include <zookeeper/zookeeper.h>

namespace weir::discovery {

/// Of a ZOO_ERRORS value.
Code to_code(int rc);
/// Of a session state of the library.
SessionState to_state(int state);

extern "C" {
void weir_zk_session_event(zhandle_t* handle, int type, int state, const char* path, void* number);
void weir_zk_watch(zhandle_t* handle, int type, int state, const char* path, void* number);
void weir_zk_listed(int rc, const String_vector* names, const Stat* stat, const void* number);
void weir_zk_stat(int rc, const Stat* stat, const void* number);
void weir_zk_data(int rc, const char* value, int length, const Stat* stat, const void* number);
void weir_zk_void(int rc, const void* number);
void weir_zk_string(int rc, const char* value, const void* number);
/// What the library would print about each lost connection; we report those ourselves, once.
void weir_zk_log(const char* line);
}

}  // namespace weir::discovery
