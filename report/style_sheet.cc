#include "report/page.h"

namespace semlink::report {

// Colours: Okabe and Ito, "Color Universal Design" (2008), ordered for contrast with the ground.
const char kStyleSheet[] = R"css(
:root {
  color-scheme: light dark;
  --ground: #ffffff; --text: #1b1b1b; --faint: #5c5c5c; --rule: #d5d5d5; --tint: #f3f5f7;
  --accent: #0072b2; --warn: #d55e00; --heat: #0072b2;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7;
  --c4: #e69f00; --c5: #56b4e9; --c6: #000000; --c7: #f0e442;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --text: #e8e8e8; --faint: #a4a9ae; --rule: #3a4046; --tint: #1e2328;
    --accent: #56b4e9; --warn: #e69f00; --heat: #56b4e9;
    --c0: #56b4e9; --c1: #e69f00; --c2: #009e73; --c3: #cc79a7;
    --c4: #d55e00; --c5: #f0e442; --c6: #ffffff; --c7: #0072b2;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem clamp(0.75rem, 3vw, 2rem) 4rem; max-width: 84rem;
  background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 0.6rem; padding-top: 0.6rem; border-top: 2px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 1.4rem 0 0.4rem; }
p { max-width: 70ch; margin: 0.5rem 0; }
a { color: var(--accent); }
nav ul { list-style: none; padding: 0; margin: 0.5rem 0; display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; }
.lead, .note, figcaption, .unit { color: var(--faint); }
.note, figcaption { font-size: 0.85rem; }
.unit { font-weight: normal; font-size: 0.8rem; }
.problems { border: 2px solid var(--warn); border-radius: 6px; padding: 0.2rem 1rem; margin: 1rem 0; }
.problems code { color: inherit; }
.scroll { overflow-x: auto; max-width: 100%; margin: 0.6rem 0; }
.scroll:focus-visible { outline: 2px solid var(--accent); }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
th, td { padding: 0.25rem 0.7rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); white-space: nowrap; overflow-wrap: normal; }
thead th { vertical-align: bottom; border-bottom: 2px solid var(--faint); }
tbody th, thead th:first-child, .text { text-align: left; }
tbody th { font-weight: 500; white-space: normal; min-width: 12rem; }
thead th { white-space: normal; overflow-wrap: normal; }
td.text { white-space: normal; min-width: 4rem; max-width: 34rem; }
tr.published th, tr.published td { color: var(--faint); font-style: italic; background: var(--tint); }
td[data-source] { cursor: help; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1rem; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figure > svg:not(.natural) { display: block; width: 100%; height: auto; max-width: 34rem; }
svg.natural { display: block; max-width: none; }
svg text { font-size: 11px; fill: var(--text); font-family: inherit; }
svg text.small { font-size: 10px; }
.xlab { text-anchor: middle; }
.ylab { text-anchor: end; dominant-baseline: middle; }
.value { dominant-baseline: middle; }
.turned { font-size: 9.5px; }
.grid path { stroke: var(--rule); stroke-width: 1; fill: none; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.line.d1 { stroke-dasharray: 7 3; } .line.d2 { stroke-dasharray: 2 2.5; } .line.d3 { stroke-dasharray: 9 3 2 3; }
.band { stroke: none; fill-opacity: 0.2; }
.cross { fill: none; stroke-width: 1.2; }
.mark { stroke: var(--ground); stroke-width: 0.6; }
.mark.hollow { fill: var(--ground); stroke-width: 1.8; }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); }
.s4 { --c: var(--c4); } .s5 { --c: var(--c5); } .s6 { --c: var(--c6); } .s7 { --c: var(--c7); }
.line, .cross, .mark.hollow { stroke: var(--c); }
.band, .mark:not(.hollow) { fill: var(--c); }
.bar, .heat { fill: var(--heat); }
.frame, .rule { fill: none; stroke: var(--faint); stroke-width: 0.8; }
.rule { stroke-dasharray: 2 2; }
.touch { fill: transparent; } .touch:hover { fill: var(--text); fill-opacity: 0.15; }
.fault { fill: var(--warn); } .down { fill: var(--accent); } .moment { fill: var(--text); }
.legend { list-style: none; margin: 0.3rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.1rem 1.2rem; font-size: 0.85rem; }
.legend svg { display: inline-block; flex: none; width: 34px; height: 12px; }
.maps { display: flex; flex-wrap: wrap; gap: 1.2rem; }
.maps figure { min-width: 0; max-width: min(100%, 26rem); }
.maps > details { min-width: 0; max-width: 100%; }
.scale { display: inline-flex; align-items: center; gap: 0.4rem; font-size: 0.85rem; color: var(--faint); }
.scale span { display: inline-block; width: 1.5rem; height: 0.8rem; border: 1px solid var(--faint); }
.scale i { display: block; width: 100%; height: 100%; background: var(--heat); }
details { margin: 0.5rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: 0.9rem; }
pre { overflow-x: auto; background: var(--tint); padding: 0.7rem; border-radius: 6px; font-size: 0.8rem; line-height: 1.4; }
code { font-size: 0.9em; }
@media (max-width: 40rem) {
  th, td { padding: 0.25rem 0.45rem; }
  tbody th { min-width: 7rem; }
}
@media print {
  :root {
    --ground: #ffffff; --text: #000000; --faint: #444444; --rule: #bbbbbb; --tint: #f3f3f3;
    --accent: #0072b2; --warn: #d55e00; --heat: #0072b2;
    --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7;
    --c4: #e69f00; --c5: #56b4e9; --c6: #000000; --c7: #f0e442;
  }
  @page { margin: 14mm; }
  body { font-size: 9.5pt; padding: 0; max-width: none; }
  nav { display: none; }
  .scroll { overflow: visible; }
  table { font-size: 7pt; }
  th, td { padding: 0.1rem 0.3rem; white-space: normal; }
  thead th.text, td.text { overflow-wrap: anywhere; min-width: 0; max-width: none; }
  tbody th { min-width: 4rem; }
  .note, figcaption, .legend, .scale { font-size: 8pt; }
  .unit { font-size: inherit; }
  details:not([open]) { display: none; }
  pre { white-space: pre-wrap; }
  tr, figure { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  .plots { grid-template-columns: repeat(2, 1fr); }
  svg.natural { max-width: 100%; height: auto; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
)css";

}  // namespace semlink::report
