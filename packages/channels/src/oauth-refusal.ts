import type { Answer } from './http.ts'
import { ChannelError } from './port.ts'
import { membersOf } from './reading/json-text.ts'

/**
 * Classes what a token endpoint says in OAuth's words, `{error, error_description}` (RFC 6749 §5.2): an ended grant, a refused
 * app, a scope. Undefined for an answer that says none of these: then its status decides. `from` names the marketplace to people.
 */
export function oauthRefusal(answer: Answer, { from, what }: { from: string; what: string }): ChannelError | undefined {
  const error = oauthError(answer.text)
  const said = `${from} answered ${answer.status} to ${what}${error ? ` (${error})` : ''}`
  switch (error) {
    case 'invalid_grant':
      return new ChannelError('CHANNEL_GRANT_REVOKED', `${said}. The seller must consent again`, { remedy: 'reauthorize' })
    case 'invalid_client':
    case 'unauthorized_client':
      return appRefused(said)
    case 'invalid_scope':
      return new ChannelError('CHANNEL_SCOPE_MISSING', `${said}. Check the app's scopes in eg_order_app`, { remedy: 'person' })
    case 'temporarily_unavailable':
    case 'server_error':
      return new ChannelError('CHANNEL_UNAVAILABLE', said, { remedy: 'retry' })
  }
  return answer.status === 401 ? appRefused(said) : undefined
}

const appRefused = (said: string): ChannelError =>
  new ChannelError('CHANNEL_APP_REFUSED', `${said}. Check client id and secret of the app in eg_order_app`, {
    remedy: 'person',
  })

function oauthError(text: string): string {
  const error = membersOf(text)?.['error']
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : ''
}
