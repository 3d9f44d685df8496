// The least bound on the thrust: a sum of norms on a plane, by a primal-dual Newton method.
//
//     minimise h(eta) = sum_g |F_g eta|  subject to  d'eta = 1.
//
// Every p with |p_g| <= 1 and F'p = theta d shows that inputs p / theta, no longer than 1 / theta, meet; every eta
// shows that none shorter than 1 / h(eta) do. Steps of K. D. Andersen, E. Christiansen, A. R. Conn, M. L. Overton, SIAM
// J. Sci. Comput. 22 (2000) 243; groups as in groups.hpp.
#pragma once

#include "../common/types.hpp"

namespace minimand::rendezvous {

// At most `max_iterations` steps on eta (r,) and p (N,), in place; returns how many were done. `basis` (r, r - 1) is
// orthonormal and spans d'eta = 0. y (N,) is work space. state = (beta, upper bound, lower bound, what happened): 0
// more to do, 1 the bounds are within tol of each other, 2 no further progress. The bounds belong to best_p, already
// divided by theta, and best_eta.
//     s = sqrt(|y_g|^2 + beta^2);  M = (I - (p y' + y p')/(2 s))/s
//     delta = -basis @ solve(basis.T @ F.T @ M @ F @ basis, basis.T @ F.T @ (y/s))
//     p += share * (y/s + M @ F @ delta - p);  eta += delta
// O(N r^2) for each step.
Index thrust_newton_steps(MatrixIn<double> F, Index first, Index m1, Index m2, VectorIn d, MatrixIn<double> basis,
                          double tol, Index max_iterations, VectorOut eta, VectorOut p, VectorOut y, VectorOut best_eta,
                          VectorOut best_p, VectorOut state, int threads);

}  // namespace minimand::rendezvous
