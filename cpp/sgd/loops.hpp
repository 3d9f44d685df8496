// The plainest loops there are, for `compare_loops`: what a compiler makes of them is the point.
#pragma once

#include "../common/types.hpp"

namespace minimand::sgd {

// out := x + y
void add_loop(VectorIn x, VectorIn y, VectorOut out);

// sum of x_i y_i
double dot_loop(VectorIn x, VectorIn y);

}  // namespace minimand::sgd
