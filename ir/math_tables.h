// SPDX-License-Identifier: Apache-2.0
// Printed by scripts/fit_math.py, which says what the tables are; do not edit. Lowest power first.
#pragma once

// clang-format off
namespace tunesmith::ir {

/// exp(r) for |r| <= ln 2, powers of r. Error 0.24.
inline constexpr double kExpF32[] = {1, 1, 0.50000036, 0.16666614, 0.041661255, 0.008336106, 0.00141047,
    0.00019611687};

/// expm1(2r)/r for |r| <= ln(2)/4, powers of r. Error 0.22.
inline constexpr double kExpm1TwiceF32[] = {2, 2, 1.3333234, 0.6666605, 0.26773262, 0.08925826};

/// (log((1+s)/(1-s)) - 2s)/s^3 for (1+s)/(1-s) in [sqrt(1/2), sqrt(2)], powers of s^2. Error 0.014.
inline constexpr double kLogF32[] = {0.66666776, 0.39977536, 0.29871956};

/// The same without its first term, 2/3, divided by s^2. Error 0.00014.
inline constexpr double kLogTailF32[] = {0.40000153, 0.2854712, 0.2341889};

/// 2/3 as a sum.
inline constexpr double kTwoThirdsF32[] = {0.6666667, -3.3333333e-08};

/// sin(r)/r for |r| <= pi/4, powers of r^2. Error 0.082.
inline constexpr double kSineF32[] = {1, -0.16666652, 0.008332007, -0.00019494559};

/// cos(r) for |r| <= pi/4, powers of r^2. Error 0.0027.
inline constexpr double kCosineF32[] = {1, -0.5, 0.04166664, -0.0013887107, 2.4409463e-05};

/// y/x; s - y^2; the largest s.
inline constexpr double kErfVariableF32[] = {0.35355338, -0.875, 0.8374999};

/// erf(x)/y for 0 <= x^2 <= 13.7, powers of s. Error 0.64.
inline constexpr double kErfF32[] = {1.0688496, -0.60910887, 0.515438, -0.47311875, 0.4376957, -0.39397955,
    0.33656427, -0.26696298, 0.20204209, -0.15439147, 0.09863767, -0.03710007, 0.023321016, -0.034108497,
    0.016631238};

/// ln 2 as a sum; the first times any exponent is exact.
inline constexpr double kLogOfTwoF32[] = {0.69314575, 1.4286068e-06};

/// pi/2 as a sum of full-width pieces, for targets with a fused multiply-add.
inline constexpr double kHalfPiF32[] = {1.5707963, 7.5497894e-08, 5.3903025e-15};

/// pi/2 as a sum whose first three, times a quadrant's number, are exact.
inline constexpr double kHalfPiShortF32[] = {1.5703125, 0.0004837513, 7.5495336e-08, 2.563344e-12};

/// exp(r) for |r| <= ln 2, powers of r. Error 0.091.
inline constexpr double kExpF64[] = {1.0, 1.0, 0.4999999999999993, 0.1666666666666694, 0.04166666666670236,
    0.008333333333269419, 0.001388888888354359, 0.00019841269893102785, 2.4801590846836865e-05,
    2.7557300562594525e-06, 2.755615430368154e-07, 2.5055042878145187e-08, 2.106263226231195e-09,
    1.5935365146184533e-10};

/// expm1(2r)/r for |r| <= ln(2)/4, powers of r. Error 0.0024.
inline constexpr double kExpm1TwiceF64[] = {2.0, 2.0, 1.3333333333333341, 0.6666666666666672,
    0.266666666666289, 0.08888888888874759, 0.025396825454593215, 0.006349206364330041, 0.0014109308882783312,
    0.0002821861645696842, 5.142353393913341e-05, 8.570671210097335e-06};

/// (log((1+s)/(1-s)) - 2s)/s^3 for (1+s)/(1-s) in [sqrt(1/2), sqrt(2)], powers of s^2. Error 0.011.
inline constexpr double kLogF64[] = {0.6666666666666734, 0.3999999999941402, 0.28571428742551436,
    0.22222198554647699, 0.18183565373781083, 0.1531402171390471, 0.14796257514495229};

/// The same without its first term, 2/3, divided by s^2. Error 0.0001.
inline constexpr double kLogTailF64[] = {0.40000000000002256, 0.28571428570098684, 0.22222222520088622,
    0.1818178435199621, 0.1538675805585398, 0.13256800253980555, 0.13196496544339936};

/// 2/3 as a sum.
inline constexpr double kTwoThirdsF64[] = {0.6666666666666666, 6.666666666666667e-17};

/// sin(r)/r for |r| <= pi/4, powers of r^2. Error 0.05.
inline constexpr double kSineF64[] = {1.0, -0.16666666666666616, 0.008333333333318047,
    -0.00019841269826308144, 2.755731247937163e-06, -2.5050568873369327e-08, 1.5885878991147608e-10};

/// cos(r) for |r| <= pi/4, powers of r^2. Error 0.00083.
inline constexpr double kCosineF64[] = {1.0, -0.5, 0.04166666666666656, -0.0013888888888867238,
    2.480158728523557e-05, -2.755731314110099e-07, 2.0875560768968105e-09, -1.135134538683871e-11};

/// y/x; s - y^2; the largest s.
inline constexpr double kErfVariableF64[] = {0.25, -1.0, 1.1375};

/// erf(x)/y for 0 <= x^2 <= 34.2, powers of s. Error 0.65.
inline constexpr double kErfF64[] = {0.9999999845827421, -0.4999997383266798, 0.3749977720274753,
    -0.31248730752885595, 0.27338305077854735, -0.24590604714405565, 0.225044013721063, -0.20812403960848175,
    0.19342548391440278, -0.17967376718205658, 0.16588070634412272, -0.15134505484011454, 0.1357115305046609,
    -0.11901310455064082, 0.10164404014347983, -0.0842563699605473, 0.06762361450903424,
    -0.052482887309767405, 0.039336576350942856, -0.0283878838096273, 0.019737993453781306,
    -0.013373949656190405, 0.00881159409892015, -0.005394889241375631, 0.0030723336855811214,
    -0.0019362887326790845, 0.0013310025765994223, -0.0006358392570793529, 0.00013503400597075362,
    -0.00010734325137658078, 0.0001802439229978266, -8.633866910848414e-05, -1.2420379017910686e-05,
    1.2647268840572948e-05, 7.884690793094127e-06, -6.741797955576042e-06, 1.2858522014911027e-06};

/// ln 2 as a sum; the first times any exponent is exact.
inline constexpr double kLogOfTwoF64[] = {0.693147180559663, 2.8235290563031577e-13};

/// pi/2 as a sum of full-width pieces, for targets with a fused multiply-add.
inline constexpr double kHalfPiF64[] = {1.5707963267948966, 6.123233995736765e-17, 1.0828566739219139e-32};

/// pi/2 as a sum whose first three, times a quadrant's number, are exact.
inline constexpr double kHalfPiShortF64[] = {1.5707963267341256, 6.077100506303966e-11,
    2.0222662487111665e-21, 8.4784276603689e-32};

}  // namespace tunesmith::ir
