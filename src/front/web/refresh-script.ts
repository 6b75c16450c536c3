/** The one script: looks again without moving the page under the reader, and not while somebody reads or types there. */
export const refreshScript = `'use strict';
const seconds = Number(document.body.dataset.refresh);
async function look() {
  const busy = document.hidden || String(getSelection()) !== '' || document.querySelector('main :focus, main details[open]') !== null;
  if (!busy) {
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' }, signal: AbortSignal.timeout(seconds * 1000) });
      if (answer.ok) {
        const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
        for (const part of ['main', 'footer']) {
          const [now, then] = [document.querySelector(part), next.querySelector(part)];
          if (now !== null && then !== null) now.replaceWith(then);
        }
        document.title = next.title;
      }
      document.body.classList.toggle('stale', !answer.ok);
    } catch {
      document.body.classList.add('stale');
    }
  }
  setTimeout(look, seconds * 1000);
}
if (seconds > 0) setTimeout(look, seconds * 1000);
`;
