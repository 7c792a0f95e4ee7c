import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { signBody } from '../app-signature.ts'
import { signRequest } from './signature.ts'

const root = join(import.meta.dirname, '../../../..')
const folders = [join(root, 'test/fixtures/lazada'), join(root, '../shared/fixtures/lazada')].filter((folder) =>
  existsSync(folder),
)

type Vectors = {
  request: { id: string; app_secret: string; path: string; params: Record<string, string>; sign: string }[]
  push: { id: string; app_key: string; app_secret: string; body_file: string; authorization: string }[]
}

for (const [index, folder] of folders.entries()) {
  const vectors: Vectors = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8'))

  describe(`Lazada's signatures, ${index === 0 ? 'our vectors' : 'the shared vectors'}`, () => {
    for (const { id, app_secret, path, params, sign } of vectors.request)
      it(`sign request ${id} to the letter, whatever is empty`, () => {
        expect(signRequest(app_secret, path, params)).to.equal(sign)
        expect(signRequest(app_secret, path, { ...params, sign: 'x', nothing: '' })).to.equal(sign)
      })

    for (const { id, app_key, app_secret, body_file, authorization } of vectors.push)
      it(`sign push ${id} over its raw bytes`, () => {
        const body = readFileSync(join(folder, body_file))
        expect(signBody({ key: app_key, secret: app_secret }, body)).to.equal(authorization)
      })
  })
}
