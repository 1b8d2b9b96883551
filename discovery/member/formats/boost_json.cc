// The implementation of Boost.JSON, once for this library: Debian's package has no compiled one of its own.
#include <boost/json/src.hpp>
