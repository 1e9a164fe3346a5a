// The page around the snippet: what its buttons do, and how an answer is shown.
// Whatever comes from outside is put there as text, never as markup.
'use strict';

const element = (id) => document.getElementById(id);

function textIn(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** Removes what an earlier attempt left, and says what goes on now. */
function begin(progress) {
  element('progress').textContent = progress;
  element('failure').replaceChildren();
}

function onLoginSuccess({ profile }) {
  begin('');
  const rows = Object.entries(profile).map(([name, value]) => {
    const row = document.createElement('tr');
    const head = textIn('th', '');
    head.scope = 'row';
    // Narrow screens may break a name after an underscore.
    head.append(...name.split(/(?<=_)/).flatMap((part) => [document.createElement('wbr'), part]));
    row.append(head, textIn('td', typeof value === 'string' ? value : JSON.stringify(value)));
    return row;
  });
  element('claims').replaceChildren(...rows);
  element('person').textContent = profile.name ?? profile.preferred_username ?? profile.sub;
  element('signed-in').hidden = false;
  element('signed-in-heading').focus();
  document.title = 'Signed in – Sample application';
}

function onLoginFailed({ code, message, requestId }) {
  // A newer attempt took the place of this one, and tells how it goes itself.
  if (code === 'aborted') return;
  begin('');
  const facts = textIn('p', 'Code ');
  facts.append(textIn('code', code));
  if (requestId) facts.append(', request id ', textIn('code', requestId));
  element('failure').replaceChildren(textIn('p', `This sign-in did not succeed. ${message}`), facts);
}

addEventListener('DOMContentLoaded', () => {
  if (typeof Postern === 'undefined') {
    element('no-sdk').hidden = false;
    return;
  }
  const buttons = [
    ['popup', 'The sign-in goes on in a window of its own.', signInWithPopup],
    ['redirect', 'The sign-in page is on its way.', signInByRedirect],
    ['sign-out', 'You are being signed out.', signOut],
  ];
  for (const [id, progress, action] of buttons) {
    element(id).disabled = false;
    element(id).addEventListener('click', () => {
      begin(progress);
      action();
    });
  }
  // Back by the browser's own button: nothing goes on any more.
  addEventListener('pageshow', (event) => event.persisted && begin(''));
});
