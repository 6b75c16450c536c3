/** How the pages look: legible first, at every width, in the dark and in the light. */
export const style = `:root {
  color-scheme: light dark;
  --paper: #fbfaf8; --card: #fff; --ink: #1d1b18; --quiet: #625c54; --rule: #e2ddd5; --accent: #9a4a08; --focus: #0b62c4;
  --good: #17663a; --good-paper: #e7f4ea; --warn: #7a4b00; --warn-paper: #fdf1d8; --bad: #a3211f; --bad-paper: #fceae8;
  --a: #0b62c4; --b: #17803f; --c: #b26a00; --d: #c2312e;
  --text: system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171614; --card: #201e1b; --ink: #ece8e1; --quiet: #a8a198; --rule: #37332e; --accent: #f0a35e; --focus: #7db4ff;
    --good: #84d6a0; --good-paper: #16291c; --warn: #f0c36a; --warn-paper: #2d2410; --bad: #ff9d96; --bad-paper: #351a18;
    --a: #7db4ff; --b: #6fcf90; --c: #f0b35e; --d: #ff8a83;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 82rem; padding: 0 1.25rem 2rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 var(--text); font-variant-numeric: tabular-nums; }
a { color: var(--accent); text-underline-offset: .15em; text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem .75rem; z-index: 1; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 2rem; padding: 1rem 0 .25rem; border-bottom: 1px solid var(--rule); }
.brand { margin: 0; }
.brand a { color: inherit; font-weight: 700; font-size: 1.15rem; text-decoration: none; letter-spacing: -.01em; }
.me { color: var(--quiet); margin-left: .35rem; overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1.25rem; list-style: none; margin: 0; padding: 0; }
nav li a { display: inline-block; padding: .5rem 0; color: var(--quiet); text-decoration: none; border-bottom: 3px solid transparent; margin-bottom: -.35rem; }
nav li a:hover { color: var(--ink); }
nav li a[aria-current] { color: var(--ink); border-color: var(--accent); font-weight: 600; }
h1 { font-size: 1.6rem; line-height: 1.2; letter-spacing: -.015em; margin: 1.5rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
footer { margin-top: 3rem; color: var(--quiet); font-size: .875rem; border-top: 1px solid var(--rule); }
.quiet, time + .quiet { color: var(--quiet); font-size: .875em; }
.state { padding: .7rem 1rem; border-radius: .5rem; margin: 0 0 1.25rem; border-left: 4px solid; }
.state p { margin: 0; } .state ul { margin: .25rem 0 0; padding-left: 1.2rem; }
.good { background: var(--good-paper); border-color: var(--good); } .warn { background: var(--warn-paper); border-color: var(--warn); } .bad { background: var(--bad-paper); border-color: var(--bad); }
.state.good b { color: var(--good); } .state.bad b { color: var(--bad); }
.empty { padding: 2rem 1rem; text-align: center; color: var(--quiet); border: 1px dashed var(--rule); border-radius: .5rem; }
.tiles { display: grid; grid-template-columns: repeat(5, 1fr); gap: .75rem; margin: 0; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .6rem .8rem; }
.tile dt { color: var(--quiet); font-size: .875rem; }
.tile dd { margin: 0; } .value { display: block; font-size: 1.45rem; font-weight: 600; line-height: 1.3; letter-spacing: -.01em; }
.plot-row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .75rem; }
.plot { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; margin: 0; padding: .7rem .8rem .5rem; min-width: 0; }
.plot figcaption { display: flex; flex-wrap: wrap; gap: 0 .9rem; font-size: .875rem; margin-bottom: .5rem; }
.plot-title { font-weight: 600; font-size: .95rem; flex: 1 0 100%; }
.key { color: var(--quiet); } .key b { color: var(--ink); font-weight: 600; }
.key::before { content: ""; display: inline-block; width: .9em; height: .25em; border-radius: .1em; vertical-align: middle; margin-right: .35em; background: currentColor; }
.key-a::before { background: var(--a); } .key-b::before { background: var(--b); } .key-c::before { background: var(--c); } .key-d::before { background: var(--d); }
.plot-area { position: relative; height: 7.5rem; }
.plot svg { display: block; width: 100%; height: 100%; }
.grid { stroke: var(--rule); fill: none; vector-effect: non-scaling-stroke; }
.area { fill: var(--a); opacity: .13; }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.line-a { stroke: var(--a); } .line-b { stroke: var(--b); } .line-c { stroke: var(--c); stroke-dasharray: 6 3; } .line-d { stroke: var(--d); stroke-dasharray: 2 3; }
.axis-top { position: absolute; top: .15rem; left: 0; padding: 0 .3rem; background: var(--card); color: var(--quiet); font-size: .75rem; }
.axis { display: flex; justify-content: space-between; color: var(--quiet); font-size: .75rem; }
.filter { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: 0 0 1rem; }
.filter label { display: grid; font-size: .875rem; color: var(--quiet); }
.filter input, .filter select, .filter button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--quiet); border-radius: .4rem; padding: .4rem .6rem; min-height: 2.5rem; }
.filter input { width: min(22rem, 78vw); } .filter button { cursor: pointer; font-weight: 600; }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .55rem .75rem; border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--quiet); font-size: .875rem; font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 500; }
.number { text-align: right; } .short, time, time + .quiet { white-space: nowrap; }
.cards tbody th { min-width: 10rem; }
.id, code, .file { font-family: var(--mono); font-size: .9em; } .cards tbody th .id { white-space: nowrap; }
.from { font-weight: 500; }
.said { font-family: var(--mono); font-size: .85em; color: var(--quiet); }
.badge { display: inline-block; padding: 0 .5em; border-radius: .9em; border: 1px solid; font-size: .8125rem; white-space: nowrap; color: var(--quiet); }
.badge.claimed, .badge.delivered, .badge.relayed, .badge.expanded, .badge.success { color: var(--good); }
.badge.held, .badge.deferred { color: var(--warn); }
.badge.quarantined, .badge.failed, .badge.failure { color: var(--bad); }
.paging { display: flex; gap: 1.5rem; padding: 1rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: .5rem 1.5rem; margin: 0; }
.facts dt { color: var(--quiet); font-size: .875rem; } .facts dd { margin: 0; overflow-wrap: anywhere; }
.history { list-style: none; margin: 0; padding: 0 0 0 1rem; border-left: 2px solid var(--rule); }
.history li { padding: .35rem 0; overflow-wrap: anywhere; } .history time { color: var(--quiet); white-space: nowrap; margin-right: .5rem; }
details summary { cursor: pointer; color: var(--accent); font-size: .875rem; } .past { margin: .25rem 0 0; padding-left: 1.2rem; }
.fields { font-size: .9em; } .field { margin-right: .6em; }
.log { font-size: .9rem; } .log td { padding: .25rem .6rem; } .log time { white-space: nowrap; color: var(--quiet); }
.log .level { font-size: .8125rem; color: var(--quiet); }
.level-warn td:first-child { box-shadow: inset 3px 0 var(--warn); } .level-error td:first-child { box-shadow: inset 3px 0 var(--bad); }
.level-warn .level { color: var(--warn); font-weight: 600; } .level-error .level { color: var(--bad); font-weight: 600; }
.status-success { color: var(--good); } .status-deferred { color: var(--warn); } .status-failure { color: var(--bad); }
.stale footer::before { content: "No answer from the gateway; this is the last one."; color: var(--bad); font-weight: 600; }
@media (max-width: 60rem) { .tiles { grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); } }
@media (max-width: 46rem) {
  body { padding: 0 .9rem 1.5rem; }
  h1 { font-size: 1.35rem; margin: 1rem 0 .75rem; }
  nav ul { gap: 0 1rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem; }
  .value { font-size: 1.2rem; }
  table.cards, .cards tbody, .cards tr, .cards th, .cards td, .log, .log tbody, .log tr { display: block; }
  .cards, .log { border: 0; background: none; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tbody tr { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .4rem 0; margin-bottom: .6rem; }
  .cards tbody th, .cards tbody td { border: 0; padding: .2rem .8rem; text-align: left; min-width: 0; }
  .cards td[data-name]::before { content: attr(data-name) " "; color: var(--quiet); font-size: .8125rem; }
  .log tr { border-top: 1px solid var(--rule); padding: .35rem 0 .35rem .5rem; } .log td { display: inline; border: 0; padding: 0 .35rem 0 0; }
  .level-warn td:first-child, .level-error td:first-child { box-shadow: none; }
  .log tr.level-warn { box-shadow: inset 3px 0 var(--warn); } .log tr.level-error { box-shadow: inset 3px 0 var(--bad); }
}
@media (prefers-reduced-motion: no-preference) { nav li a { transition: color .15s; } }
@media print { nav, .filter, footer { display: none; } }
`;
