import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { signBody } from '../app-signature.ts'
import { signRequest } from './signature.ts'

const root = join(import.meta.dirname, '../../../..')
const folders = [join(root, 'test/fixtures/tiktok'), join(root, '../shared/fixtures/tiktok')].filter((folder) =>
  existsSync(folder),
)

type Vectors = {
  request: { id: string; app_secret: string; path: string; query: Record<string, string>; body: string; sign: string }[]
  webhook: { id: string; app_key: string; app_secret: string; body_file: string; authorization: string }[]
}

for (const [index, folder] of folders.entries()) {
  const vectors: Vectors = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8'))

  describe(`TikTok's signatures, ${index === 0 ? 'our vectors' : 'the shared vectors'}`, () => {
    for (const { id, app_secret, path, query, body, sign } of vectors.request)
      it(`sign request ${id} to the letter`, () => {
        expect(signRequest(app_secret, { path, query, body })).to.equal(sign)
        expect(signRequest(app_secret, { path, query: { ...query, sign: 'x', access_token: 'y' }, body })).to.equal(sign)
      })

    for (const { id, app_key, app_secret, body_file, authorization } of vectors.webhook)
      it(`sign webhook ${id} over its raw bytes`, () => {
        const body = readFileSync(join(folder, body_file))
        expect(signBody({ key: app_key, secret: app_secret }, body)).to.equal(authorization)
        expect(signBody({ key: app_key, secret: app_secret }, Buffer.concat([body, Buffer.from(' ')]))).not.to.equal(
          authorization,
        )
      })
  })
}
