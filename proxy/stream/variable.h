// Variables of sessions, and texts that use them: tables and texts are shared with http.
#pragma once

#include "shared/variable.h"
#include "stream/shared.h"
