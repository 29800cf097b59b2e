// SPDX-License-Identifier: Apache-2.0
#include "tests/te/sample_graphs.h"

#include <cmath>

namespace tunesmith::te {

Graph MatmulGraph(int64_t m, int64_t n, int64_t k) {
  GraphBuilder g;
  int a = g.Add("A", {m, k}, Role::kInput), b = g.Add("B", {k, n}, Role::kWeight);
  int c = g.Add("C", {m, n}, Role::kOutput);
  g.Reduce(c, {"i", "j"}, Reducer::kSum, {{"k", k}}, g.At(a, {Var(0), Var(2)}) * g.At(b, {Var(2), Var(1)}));
  return g.graph;
}

Graph ConvGraph(const ConvShape& s) {
  GraphBuilder g;
  int64_t oh = (s.h + 2 * s.ph - s.kh) / s.stride + 1, ow = (s.w + 2 * s.pw - s.kw) / s.stride + 1;
  int x = g.Add("X", {s.n, s.h, s.w, s.ci}, Role::kInput);
  int w = g.Add("W", {s.kh, s.kw, s.ci / s.groups, s.co}, Role::kWeight);
  int bias = g.Add("bias", {s.co}, Role::kInput);
  int y = g.Add("Y", {s.n, oh, ow, s.co}, Role::kOutput);
  int acc = g.Add("acc", {s.n, oh, ow, s.co}, Role::kTemp);
  Expr channel = Var(3) / Int(s.co / s.groups) * Int(s.ci / s.groups) + Var(6);
  Expr read = g.AtOr(x,
                     {Var(0), Var(1) * Int(s.stride) + Var(4) - Int(s.ph),
                      Var(2) * Int(s.stride) + Var(5) - Int(s.pw), channel},
                     Float(0));
  g.Reduce(acc, {"n", "y", "x", "o"}, Reducer::kSum, {{"dy", s.kh}, {"dx", s.kw}, {"c", s.ci / s.groups}},
           read * g.At(w, {Var(4), Var(5), Var(6), Var(3)}));
  g.Pointwise(
      y, {"n", "y", "x", "o"},
      Binary(ExprKind::kMax, g.At(acc, {Var(0), Var(1), Var(2), Var(3)}) + g.At(bias, {Var(3)}), Float(0)));
  return g.graph;
}

Graph SoftmaxGraph(int64_t rows, int64_t columns) {
  GraphBuilder g;
  int x = g.Add("X", {rows, columns}, Role::kInput), y = g.Add("Y", {rows, columns}, Role::kOutput);
  int m = g.Add("m", {rows}, Role::kTemp), e = g.Add("e", {rows, columns}, Role::kTemp);
  int s = g.Add("s", {rows}, Role::kTemp);
  g.Reduce(m, {"r"}, Reducer::kMax, {{"c", columns}}, g.At(x, {Var(0), Var(1)}));
  g.Pointwise(e, {"r", "c"}, Call(Function::kExp, {g.At(x, {Var(0), Var(1)}) - g.At(m, {Var(0)})}));
  g.Reduce(s, {"r"}, Reducer::kSum, {{"c", columns}}, g.At(e, {Var(0), Var(1)}));
  g.Pointwise(y, {"r", "c"}, g.At(e, {Var(0), Var(1)}) / g.At(s, {Var(0)}));
  return g.graph;
}

Graph GqaGraph(int64_t b, int64_t hq, int64_t hkv, int64_t s, int64_t d) {
  GraphBuilder g;
  int q = g.Add("Q", {b, hq, d}, Role::kInput);
  int k = g.Add("K", {b, hkv, s, d}, Role::kInput), v = g.Add("V", {b, hkv, s, d}, Role::kInput);
  int o = g.Add("O", {b, hq, d}, Role::kOutput), p = g.Add("p", {b, hq, s}, Role::kTemp);
  int m = g.Add("m", {b, hq}, Role::kTemp), e = g.Add("e", {b, hq, s}, Role::kTemp);
  int t = g.Add("t", {b, hq}, Role::kTemp);
  Expr head = Var(1) / Int(hq / hkv);
  g.Reduce(p, {"b", "h", "s"}, Reducer::kSum, {{"d", d}},
           g.At(q, {Var(0), Var(1), Var(3)}) * g.At(k, {Var(0), head, Var(2), Var(3)}) *
               Float(1 / std::sqrt(static_cast<double>(d))));
  g.Reduce(m, {"b", "h"}, Reducer::kMax, {{"s", s}}, g.At(p, {Var(0), Var(1), Var(2)}));
  g.Pointwise(e, {"b", "h", "s"},
              Call(Function::kExp, {g.At(p, {Var(0), Var(1), Var(2)}) - g.At(m, {Var(0), Var(1)})}));
  g.Reduce(t, {"b", "h"}, Reducer::kSum, {{"s", s}}, g.At(e, {Var(0), Var(1), Var(2)}));
  g.Reduce(o, {"b", "h", "d"}, Reducer::kSum, {{"s", s}},
           g.At(e, {Var(0), Var(1), Var(3)}) / g.At(t, {Var(0), Var(1)}) *
               g.At(v, {Var(0), head, Var(3), Var(2)}));
  return g.graph;
}

}  // namespace tunesmith::te
