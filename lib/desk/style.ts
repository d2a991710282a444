/** The look of the desk's pages, light and dark. It stands in each page and is allowed by its hash. */
export const style = `
:root{color-scheme:light dark;--ink:#1b1d21;--soft:#565b66;--paper:#fff;--card:#f5f6f8;--line:#c9cdd6;--good:#1f7a4d;--bad:#b3261e;--open:#8a5a00;--act:#1a4fc4;--on-act:#fff;--focus:#1a56db}
@media (prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#aab0bd;--paper:#14161a;--card:#1f2228;--line:#3b404b;--good:#5ecb95;--bad:#ff8a80;--open:#f0b94d;--act:#8ab4ff;--on-act:#101318;--focus:#8ab4ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--act)}
.skip{position:absolute;left:-99rem}
.skip:focus{left:.5rem;top:.5rem;background:var(--paper);padding:.4rem .8rem;z-index:1}
body>header{border-bottom:1px solid var(--line);padding:.5rem 1rem;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;align-items:center}
body>header nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:0;padding:0}
body>header nav a{display:inline-block;padding:.25rem 0}
nav a[aria-current]{font-weight:700;color:var(--ink);text-decoration-thickness:.15em}
body>header form{display:flex;gap:.4rem;align-items:center;margin-left:auto}
body>header form input{width:13rem;max-width:60vw}
.who{color:var(--soft)}
main{max-width:76rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.15rem;margin:1.6rem 0 .5rem}
p{margin:.35rem 0}
.soft{color:var(--soft)}
.told{padding:.7rem 1rem;border-left:.35rem solid var(--open);background:var(--card);margin:.8rem 0}
.told.good{border-color:var(--good)}.told.bad{border-color:var(--bad)}
.told h2{margin:0 0 .3rem}
.act{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem;align-items:center;margin:1rem 0}
.fields .act{margin:0;min-height:2.4rem}
.fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.6rem 1rem;align-items:end;margin:.8rem 0}
label,legend{font-size:.95rem}
input:not([type=radio]),select{width:100%;height:2.4rem;font:inherit;padding:0 .4rem;background:var(--paper);color:var(--ink);border:1px solid var(--soft);border-radius:.3rem}
button{font:inherit;font-weight:600;padding:.45rem 1rem;border:1px solid var(--act);border-radius:.3rem;background:var(--act);color:var(--on-act);cursor:pointer;white-space:nowrap;flex:none}
time{white-space:nowrap}
button.plain{background:var(--paper);color:var(--act)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--soft);padding:.3rem 0}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.pages{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;align-items:baseline;margin:1rem 0}
.pages p{margin:0}
dl{margin:.4rem 0;display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.2rem .9rem}
dt{color:var(--soft)}dd{margin:0;min-width:0}
.sides{display:grid;gap:0 2.5rem}
.sides>*{min-width:0}
@media (min-width:60rem){.sides>div>h2:first-child{margin-top:.4rem}}
@media (min-width:60rem){.sides{grid-template-columns:minmax(0,3fr) minmax(0,2fr)}}
ol.story{list-style:none;margin:.5rem 0;padding:0 0 0 1.1rem;border-left:2px solid var(--line)}
ol.story>li{position:relative;padding:0 0 .8rem}
ol.story>li::before{content:"";position:absolute;left:-1.5rem;top:.45rem;width:.7rem;height:.7rem;border-radius:50%;background:var(--paper);border:2px solid var(--soft)}
ol.story>li.decision::before{background:var(--act);border-color:var(--act)}
ol.story>li.sent::before{background:var(--soft)}
ol.story>li.outcome::before{background:var(--good);border-color:var(--good)}
ol.story>li.person::before,ol.story>li.refused::before{background:var(--open);border-color:var(--open)}
ol.story b{margin-right:.5rem}
ol.story time{color:var(--soft);font-variant-numeric:tabular-nums}
ol.story p{margin:0}
pre{white-space:pre-wrap;background:var(--card);padding:.6rem;margin:.4rem 0;font-size:.85rem}
summary{cursor:pointer}
fieldset{border:1px solid var(--line);border-radius:.4rem;padding:.4rem .9rem .7rem;margin:.8rem 0}
.choice{display:grid;grid-template-columns:auto 1fr;gap:0 .6rem;padding:.3rem 0;align-items:start}
.choice input{margin:.35rem 0 0;width:1.1rem;height:1.1rem}
.choice span{color:var(--soft);display:block}
.field{margin:.8rem 0}
.field p{font-size:.9rem;margin:.1rem 0}
@media (max-width:40rem){
body>header form{margin-left:0;width:100%}body>header form input{flex:1;max-width:none}
table.stack thead{position:absolute;left:-99rem}
table.stack,table.stack tbody,table.stack caption{display:block}
table.stack tr{display:block;border-bottom:1px solid var(--line);padding:.5rem 0}
table.stack th[scope=row]{display:block;border:0;padding:0}
table.stack td{display:grid;grid-template-columns:7rem 1fr;gap:.5rem;border:0;padding:.05rem 0;text-align:left;white-space:normal}
table.stack td::before{content:attr(data-name);color:var(--soft)}
table.stack td:empty{display:none}
}
@media (max-width:26rem){dl{grid-template-columns:1fr;gap:0}dt{margin-top:.4rem}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media print{body>header,form{display:none}}
`;
