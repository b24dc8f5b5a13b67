'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (text) => { $('live').textContent = text; };
  all('.tools, .copy, .zoomer, #theme, #download').forEach((e) => { e.hidden = false; });

  // Light and dark.
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const theme = () => root.dataset.theme || (dark.matches ? 'dark' : 'light');
  const nameTheme = () => { $('theme').textContent = theme() === 'dark' ? 'Light' : 'Dark'; };
  $('theme').addEventListener('click', () => { root.dataset.theme = theme() === 'dark' ? 'light' : 'dark'; nameTheme(); });
  dark.addEventListener('change', nameTheme);
  nameTheme();

  // Findings: which are shown.
  const filter = $('filter');
  const sift = () => {
    const severities = all('[name=severity]:checked', filter).map((e) => e.value);
    const rule = filter.elements.rule.value, host = filter.elements.host.value;
    const cards = all('.finding');
    let shown = 0;
    for (const card of cards) {
      const d = card.dataset;
      const fits = severities.includes(d.severity) && (!rule || d.rule === rule) && (!host || d.host === host);
      card.hidden = !fits;
      shown += fits;
    }
    $('shown').textContent = shown === cards.length ? '' : shown + ' of ' + cards.length + ' findings';
  };
  if (filter) {
    filter.addEventListener('input', sift);
    filter.addEventListener('submit', (e) => e.preventDefault());
    filter.reset();
  }

  // Copying.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand('copy');
      area.remove();
      return done;
    }
  };
  all('.copy').forEach((button) => button.addEventListener('click', async () => {
    const label = button.firstChild;
    label.data = await copy(button.previousElementSibling.textContent) ? 'Copied' : 'Not copied';
    say(label.data);
    setTimeout(() => { label.data = 'Copy'; }, 2000);
  }));

  // Links: what they lead to is opened, and marked.
  const reveal = (target) => {
    for (let e = target; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
    if (target.closest('.exchanges') && $('rows')) { $('rows').checked = true; showRows(); }
    if (target.hidden) { filter.reset(); sift(); }
    all('.target').forEach((e) => e.classList.remove('target'));
    target.classList.add('target');
    const focus = target.matches('details') ? target.querySelector('summary') : target;
    target.scrollIntoView();
    if (focus.matches('summary, [tabindex]')) focus.focus({preventScroll: true});
  };
  const follow = () => {
    const target = location.hash.length > 1 && $(location.hash.slice(1));
    if (target && target.id !== 'main') reveal(target);
  };
  addEventListener('hashchange', follow);
  document.addEventListener('click', (e) => {
    const link = e.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) follow();
  });

  // The waterfall: which time is shown.
  const wf = $('wf');
  const showRows = () => wf.classList.toggle('lanes-only', !$('rows').checked);
  const secondsText = (t, step) => {
    if (step < 1e-3) return Math.round(t * 1e6) + ' µs';
    if (step < 1 && t < 1) return Math.round(t * 1e3) + ' ms';
    return t.toFixed(step < 1 ? Math.max(1, Math.ceil(-Math.log10(step))) : 0) + ' s';
  };
  if (wf) {
    const first = +wf.dataset.from, last = +wf.dataset.to;
    const least = Math.max((last - first) / 20000, 1e-6);
    let from = first, to = last;
    const svg = (name, attributes, text) => {
      const e = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
      if (text) e.textContent = text;
      return e;
    };
    const ticks = () => {
      const rough = (to - from) / (wf.clientWidth > 800 ? 7 : 4);
      const unit = 10 ** Math.floor(Math.log10(rough));
      const step = unit * [1, 2, 5, 10].find((n) => unit * n >= rough * 0.999);
      const axis = [], grid = [];
      for (let n = Math.ceil(from / step - 1e-9); n * step <= to; n++) {
        const x = (100 * (n * step - first) / (last - first)) + '%';
        const place = (n * step - from) / (to - from);
        axis.push(svg('line', {x1: x, x2: x, y1: 16, y2: 22}),
          svg('text', {x, y: 12, class: place < 0.03 ? 'first' : place > 0.97 ? 'last' : ''}, secondsText(n * step, step)));
        grid.push(svg('line', {x1: x, x2: x, y1: 0, y2: '100%'}));
      }
      $('axis').replaceChildren(...axis);
      $('grid').firstElementChild.replaceChildren(...grid);
    };
    const show = (a, b) => {
      const span = Math.min(Math.max(b - a, least), last - first);
      from = Math.min(Math.max(a, first), last - span);
      to = from + span;
      wf.style.setProperty('--w', (100 * (last - first) / span) + '%');
      wf.style.setProperty('--x', (-100 * (from - first) / span) + '%');
      ticks();
      const step = span / 100;
      $('range').textContent = span < last - first ? secondsText(from, step) + ' – ' + secondsText(to, step) : '';
    };
    const zoom = (factor, at = (from + to) / 2) => show(at - (at - from) * factor, at + (to - at) * factor);
    const act = {
      in: () => zoom(0.5), out: () => zoom(2), all: () => show(first, last),
      left: () => show(from - (to - from) / 4, to - (to - from) / 4), right: () => show(from + (to - from) / 4, to + (to - from) / 4),
    };
    all('[data-zoom]').forEach((b) => b.addEventListener('click', () => act[b.dataset.zoom]()));
    const keys = {'+': 'in', '=': 'in', '-': 'out', '0': 'all', ArrowLeft: 'left', ArrowRight: 'right'};
    $('lanes').addEventListener('keydown', (e) => {
      if (keys[e.key] && !e.ctrlKey && !e.metaKey && !e.altKey) { act[keys[e.key]](); e.preventDefault(); }
    });
    const timeAt = (e) => {
      const box = $('grid').getBoundingClientRect();
      return from + (to - from) * Math.min(Math.max((e.clientX - box.left) / box.width, 0), 1);
    };
    wf.addEventListener('wheel', (e) => {
      if (!e.ctrlKey) return;
      e.preventDefault();
      zoom(e.deltaY > 0 ? 1.25 : 0.8, timeAt(e));
    }, {passive: false});
    wf.addEventListener('dblclick', (e) => { if (!e.target.closest('.label')) act.all(); });

    // Dragging selects a time.
    let drag = null;
    wf.addEventListener('pointerdown', (e) => {
      if (e.button !== 0 || e.pointerType !== 'mouse' || e.target.closest('.label, a') || !e.target.closest('.plot, .lanes')) return;
      drag = {x: e.clientX, at: timeAt(e), box: svgBox()};
      e.preventDefault();
      $('lanes').focus({preventScroll: true});
    });
    const svgBox = () => {
      const box = document.createElement('div');
      box.className = 'selection';
      wf.append(box);
      return box;
    };
    addEventListener('pointermove', (e) => {
      if (!drag) return;
      const left = wf.getBoundingClientRect().left;
      drag.box.style.left = Math.min(drag.x, e.clientX) - left + 'px';
      drag.box.style.width = Math.abs(e.clientX - drag.x) + 'px';
    });
    addEventListener('pointerup', (e) => {
      if (!drag) return;
      const {x, at, box} = drag;
      box.remove();
      drag = null;
      if (Math.abs(e.clientX - x) > 4) show(Math.min(at, timeAt(e)), Math.max(at, timeAt(e)));
    });
    all('.zoom-to').forEach((b) => b.addEventListener('click', () => {
      const a = +b.dataset.from, z = +b.dataset.to, margin = Math.max((z - a) * 0.15, (last - first) / 2000);
      show(a - margin, z + margin);
      $('waterfall').scrollIntoView();
      $('lanes').focus({preventScroll: true});
    }));
    $('rows').addEventListener('change', showRows);
    addEventListener('resize', ticks);
    show(first, last);
  }

  // The data of the page.
  if ($('download')) $('download').addEventListener('click', () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([$('data').textContent], {type: 'application/json'}));
    link.download = 'wirelag.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  follow();
})();
