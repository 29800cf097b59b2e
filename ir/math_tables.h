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

/// The factor of x^2 and the constant of s below.
inline constexpr double kErfVariableF32[] = {0.125, -0.75};

/// erf(x)/x for 0 <= x^2 <= 13.7, powers of s. Error 0.64.
inline constexpr double kErfF32[] = {0.4080311, -0.27015594, 0.26269594, -0.27200314, 0.27760205, -0.26934046,
    0.24384329, -0.20584704, 0.1629723, -0.11589054, 0.06991505, -0.043877427, 0.035827372, -0.022564154,
    0.0060532377};

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

/// The factor of x^2 and the constant of s below.
inline constexpr double kErfVariableF64[] = {0.0625, -1.0};

/// erf(x)/x for 0 <= x^2 <= 34.2, powers of s. Error 0.65.
inline constexpr double kErfF64[] = {0.24999999614568552, -0.12499993458166996, 0.09374944300686985,
    -0.07812182688221316, 0.0683457626945743, -0.06147651178603101, 0.056261003432055354,
    -0.05203100990219564, 0.048356370949391214, -0.044918441787961914, 0.04147017688874992,
    -0.037836263837923025, 0.03392788049877111, -0.029753274954772316, 0.02541102061099594,
    -0.02106409959513227, 0.016905865426860848, -0.013120692080920721, 0.009834245944746694,
    -0.00709706100471058, 0.004934296728652863, -0.0033432864288271296, 0.0022031934646644514,
    -0.0013490555744107389, 0.0007677706697384182, -0.0004836626377148082, 0.0003329803947450784,
    -0.00015932776925906673, 3.3654399208134337e-05, -2.6600992606122787e-05, 4.5078031583165944e-05,
    -2.1685465048462623e-05, -3.096022060038968e-06, 3.187908356205707e-06, 1.9654806538269427e-06,
    -1.688526397190343e-06, 3.2245018793379514e-07};

/// ln 2 as a sum; the first times any exponent is exact.
inline constexpr double kLogOfTwoF64[] = {0.693147180559663, 2.8235290563031577e-13};

/// pi/2 as a sum of full-width pieces, for targets with a fused multiply-add.
inline constexpr double kHalfPiF64[] = {1.5707963267948966, 6.123233995736765e-17, 1.0828566739219139e-32};

/// pi/2 as a sum whose first three, times a quadrant's number, are exact.
inline constexpr double kHalfPiShortF64[] = {1.5707963267341256, 6.077100506303966e-11,
    2.0222662487111665e-21, 8.4784276603689e-32};

}  // namespace tunesmith::ir
