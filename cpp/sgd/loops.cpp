#include "loops.hpp"

namespace minimand::sgd {

void add_loop(VectorIn x, VectorIn y, VectorOut out) { out = x + y; }

double dot_loop(VectorIn x, VectorIn y) { return x.dot(y); }

}  // namespace minimand::sgd
