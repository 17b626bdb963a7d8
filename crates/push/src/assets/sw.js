// Galley's service worker: shows push messages and opens what they point to.
//
// On the project's own host register /v1/push/sw.js itself. On any other origin keep a file of one line,
//   importScripts('https://api.example.com/v1/push/sw.js');
// and register that. Whatever else the file does stays as it is: this script adds three listeners and no global name.
(() => {
  'use strict';

  // The address to open, or the site itself if the message points to anything but a page of the site or https.
  const destination = (text) => {
    try {
      const url = new URL(text, self.registration.scope);
      if (url.protocol === 'https:' || url.origin === self.location.origin) return url.href;
    } catch {
      // Not an address.
    }
    return self.registration.scope;
  };

  // A declarative message is {"web_push": 8030, "notification": {...}}; a browser that knows the form shows it itself.
  const read = (data) => {
    try {
      const message = data.json();
      const notification = message && message.notification;
      if (notification && typeof notification.title === 'string') return notification;
    } catch {
      // Not ours.
    }
    return null;
  };

  const show = async (notification) => {
    const { title, navigate, body, image, icon, badge, lang, dir, tag, data, silent } = notification;
    const options = { body, image, icon, badge, lang, dir, tag, silent };
    for (const name of Object.keys(options)) if (options[name] === undefined) delete options[name];
    // One that replaces another is news all the same.
    if (tag) options.renotify = true;
    if (options.silent) delete options.renotify;
    options.data = { navigate: destination(navigate ?? '/'), data: data ?? null, galley: true };
    await self.registration.showNotification(title, options);
  };

  const open = async (href) => {
    const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const there = windows.find((client) => client.url === href);
    if (there && 'focus' in there) return there.focus();
    return self.clients.openWindow(href);
  };

  // The browser gave the subscription up. A new one keeps messages coming as soon as the page registers it: only the
  // page knows who is signed in.
  const renew = async (event) => {
    const old = event.oldSubscription;
    let fresh = event.newSubscription ?? (await self.registration.pushManager.getSubscription());
    if (!fresh && old && old.options && old.options.applicationServerKey) {
      const { applicationServerKey, userVisibleOnly } = old.options;
      fresh = await self.registration.pushManager.subscribe({ applicationServerKey, userVisibleOnly });
    }
    const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    for (const client of windows) client.postMessage({ type: 'galley-push-changed', subscribed: Boolean(fresh) });
  };

  self.addEventListener('push', (event) => {
    const notification = event.data && read(event.data);
    if (notification) event.waitUntil(show(notification));
  });

  self.addEventListener('notificationclick', (event) => {
    const { data } = event.notification;
    if (!data || data.galley !== true) return;
    event.notification.close();
    event.waitUntil(open(destination(data.navigate)));
  });

  self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew(event)));
})();
