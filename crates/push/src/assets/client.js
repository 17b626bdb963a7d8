// Galley's client for push messages, an ES module without dependencies:
//
//   import { registerPush, unregisterPush } from 'https://shop.example.com/v1/push/client.js';
//   button.onclick = () => registerPush({ baseUrl: 'https://shop.example.com', accessToken });
//
// Call it from a click the first time, because browsers ask for permission only then; and at each start of the page
// while somebody is signed in, so that the device stays known. A page of another origin than `baseUrl` must be among
// the project's `cors_origins`, and names a worker of its own as `serviceWorkerUrl`; see sw.js.

/** What went wrong, with a stable `code`: unsupported, permission_denied, worker_needed, refused. */
export class PushError extends Error {
  constructor(code, message, problem = null) {
    super(message);
    this.name = 'PushError';
    this.code = code;
    this.problem = problem;
  }
}

/**
 * Asks for permission, subscribes the browser and registers it for the user.
 * @param {object} options
 * @param {string} options.baseUrl the project's address, such as https://shop.example.com or https://host/p/shop
 * @param {string | (() => string | Promise<string>)} options.accessToken the user's access token, or what gives it
 * @param {string} [options.serviceWorkerUrl] the worker; the project's own unless it is given
 * @param {string} [options.locale] the language of the device; the browser's unless it is given
 * @param {string} [options.appVersion] the version of the app
 * @returns {Promise<object>} the device
 */
export async function registerPush({ baseUrl, accessToken, serviceWorkerUrl, locale, appVersion }) {
  const supported =
    'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;
  if (!supported) {
    throw new PushError('unsupported', 'This browser, or this page without https, has no push messages.');
  }
  const base = rootOf(baseUrl);
  if ((await Notification.requestPermission()) !== 'granted') {
    throw new PushError('permission_denied', 'Notifications are not allowed for this page.');
  }
  const [{ vapid_public_key }, registration] = await Promise.all([
    call(base, 'GET', 'config'),
    workerOf(base, serviceWorkerUrl),
  ]);
  const subscription = await subscribe(registration, decode(vapid_public_key));
  return register(base, accessToken, subscription, { locale, appVersion });
}

/**
 * Removes the browser from the user's devices and ends its subscription. Call it before signing out.
 * @param {object} options
 * @param {string} options.baseUrl the project's address
 * @param {string | (() => string | Promise<string>)} options.accessToken the user's access token, or what gives it
 * @param {string} [options.serviceWorkerUrl] the worker that was given to registerPush
 * @returns {Promise<boolean>} whether there was a subscription
 */
export async function unregisterPush({ baseUrl, accessToken, serviceWorkerUrl }) {
  if (!('serviceWorker' in navigator)) return false;
  const base = rootOf(baseUrl);
  const script = new URL(serviceWorkerUrl ?? `${base}/v1/push/sw.js`, location.href).href;
  const registrations = await navigator.serviceWorker.getRegistrations();
  const registration = registrations.find((one) =>
    [one.active, one.waiting, one.installing].some((worker) => worker && worker.scriptURL === script),
  );
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription) return false;
  // Registering what is registered tells its id.
  const { id } = await register(base, accessToken, subscription, {});
  await call(base, 'DELETE', `devices/${id}`, accessToken);
  await subscription.unsubscribe();
  return true;
}

function rootOf(baseUrl) {
  return new URL(baseUrl, location.href).href.replace(/\/+$/, '');
}

async function workerOf(base, serviceWorkerUrl) {
  if (!serviceWorkerUrl && new URL(base).origin !== location.origin) {
    const line = `importScripts('${base}/v1/push/sw.js');`;
    throw new PushError('worker_needed', `Serve a worker from this page's origin with the line ${line} and name it as serviceWorkerUrl.`);
  }
  const registration = serviceWorkerUrl
    ? await navigator.serviceWorker.register(serviceWorkerUrl)
    : await navigator.serviceWorker.register(`${base}/v1/push/sw.js`, { scope: '/' });
  const worker = registration.installing ?? registration.waiting;
  if (!registration.active && worker) {
    await new Promise((resolve, reject) => {
      const look = () => {
        if (worker.state === 'activated') resolve();
        if (worker.state === 'redundant') reject(new PushError('refused', 'The worker could not be installed.'));
      };
      worker.addEventListener('statechange', look);
      look();
    });
  }
  return registration;
}

async function subscribe(registration, key) {
  const known = await registration.pushManager.getSubscription();
  if (known) {
    const bytes = known.options?.applicationServerKey;
    const same = bytes && equal(new Uint8Array(bytes), key);
    if (same) return known;
    // It belongs to another project; messages of this one would be refused.
    await known.unsubscribe();
  }
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

async function register(base, accessToken, subscription, { locale, appVersion }) {
  const { endpoint, keys } = subscription.toJSON();
  const device = {
    kind: 'web',
    subscription: { endpoint, keys },
    locale: locale ?? navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  if (appVersion) device.app_version = appVersion;
  return call(base, 'POST', 'devices', accessToken, device);
}

async function call(base, method, path, accessToken, body) {
  const headers = {};
  if (accessToken) {
    const token = typeof accessToken === 'function' ? await accessToken() : accessToken;
    headers.authorization = `Bearer ${token}`;
  }
  if (body) headers['content-type'] = 'application/json';
  const answer = await fetch(`${base}/v1/push/${path}`, {
    method,
    headers,
    body: body && JSON.stringify(body),
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => null);
  throw new PushError('refused', problem?.title ?? `The server answered ${answer.status}.`, problem);
}

function decode(text) {
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
