// What http has in common with stream is named here as if it were http's own.
#pragma once

namespace weir::shared {}
namespace weir::http {
using namespace shared;
}
