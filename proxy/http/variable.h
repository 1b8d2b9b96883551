// Variables of exchanges, and texts that use them: tables and texts are shared with stream.
#pragma once

#include "http/shared.h"
#include "shared/variable.h"
