// What stream has in common with http is named here as if it were stream's own.
#pragma once

namespace weir::shared {}
namespace weir::stream {
using namespace shared;
}
