// A real OpenID provider for the tests: everything but who signs in is the library's. Who that is next is said by a
// request to /_as; it agrees to everything, or to nothing.
import { createServer } from 'node:http'
import { generateKeyPair, exportJWK } from 'jose'
import { Provider } from 'oidc-provider'

// Nobody reads on once the address is told: a line more would end the process.
for (const level of ['info', 'warn', 'error']) console[level] = () => {}
const callback = process.argv[2]
const accounts = new Map()
let next = { sub: 'nobody' }
const count = { token: 0, jwks: 0, discovery: 0, userinfo: 0 }

async function key(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg }
}

const server = createServer()
await new Promise((done) => server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', done))
const issuer = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'web', client_secret: 'the secret of web & co', redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'RS256',
    },
    {
      client_id: 'native', token_endpoint_auth_method: 'none', application_type: 'native',
      redirect_uris: ['com.example.shop:/in'], id_token_signed_response_alg: 'ES256',
    },
    {
      client_id: 'other', client_secret: 'another secret', redirect_uris: ['https://other.example/in'],
      id_token_signed_response_alg: 'EdDSA',
    },
  ],
  jwks: { keys: await Promise.all(['RS256', 'ES256', 'Ed25519'].map(key)).then((all) => all.map((k) => (k.alg === 'Ed25519' ? { ...k, alg: 'EdDSA' } : k))) },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
  features: { devInteractions: { enabled: false }, claimsParameter: { enabled: true } },
  pkce: { required: () => true },
  issueRefreshToken: async () => true,
  rotateRefreshToken: () => true,
  ttl: { AccessToken: 60 },
  interactions: { url: (_, interaction) => `/_interaction/${interaction.uid}` },
  cookies: { keys: ['a key of the tests'] },
  async findAccount(_, id) {
    const account = accounts.get(id)
    return account && { accountId: id, claims: async () => account }
  },
})

async function interact(req, res) {
  const { prompt, params, grantId } = await provider.interactionDetails(req, res)
  if (next.deny) {
    return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'no' })
  }
  if (prompt.name === 'login') {
    return provider.interactionFinished(req, res, { login: { accountId: next.sub } })
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: next.sub, clientId: params.client_id })
  grant.addOIDCScope('openid email profile offline_access')
  grant.addOIDCClaims(['email', 'email_verified'])
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
}

const handle = provider.callback()
server.on('request', async (req, res) => {
  const url = new URL(req.url, issuer)
  if (url.pathname === '/_as') {
    next = JSON.parse(url.searchParams.get('account'))
    accounts.set(next.sub, next)
    res.end('{}')
  } else if (url.pathname === '/_count') {
    res.end(JSON.stringify(count))
  } else if (url.pathname.startsWith('/_interaction/')) {
    await interact(req, res).catch((error) => { res.statusCode = 500; res.end(String(error)) })
  } else {
    const named = { '/token': 'token', '/jwks': 'jwks', '/me': 'userinfo', '/.well-known/openid-configuration': 'discovery' }[url.pathname]
    if (named) count[named] += 1
    handle(req, res)
  }
})
process.stdin.on('end', () => process.exit(0)).resume()
console.log(issuer)
