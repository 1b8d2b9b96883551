// Sets of places that directives of features have in common.
#pragma once

#include "http/core_conf.h"
#include "http/http_config.h"
#include "shared/features/scopes.h"
