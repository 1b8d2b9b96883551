// What rows of stream's features often need.
#pragma once

#include "shared/features/scopes.h"
#include "stream/stream_config.h"
