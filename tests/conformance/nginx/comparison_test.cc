// One test for each shape of nginx/shapes.cc.
#include <gtest/gtest.h>

#include "nginx/comparison.h"

namespace weir::test {
namespace {

class Nginx : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Nginx, AndWeirDoTheSame) { compare(shapes()[GetParam()]); }

INSTANTIATE_TEST_SUITE_P(Shapes, Nginx, ::testing::Range(std::size_t{0}, shapes().size()),
                         [](const auto& test) { return shapes()[test.param].name; });

}  // namespace
}  // namespace weir::test
