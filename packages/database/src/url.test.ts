import { expect } from 'chai'
import { DatabaseError } from './errors.ts'
import { parseDatabaseUrl } from './url.ts'

describe('the address of a database', () => {
  it('gives its parts, decoded', () => {
    expect(parseDatabaseUrl('mysql://us%40er:p%2Fw%3A%40d@db.example:3307/orders')).to.deep.equal({
      host: 'db.example',
      port: 3307,
      user: 'us@er',
      password: 'p/w:@d',
      database: 'orders',
    })
  })

  it('needs neither port nor database, and may name an IPv6 host', () => {
    expect(parseDatabaseUrl('mysql://root@[::1]')).to.deep.equal({ host: '::1', port: 3306, user: 'root', password: '' })
  })

  it('can ask for an encrypted connection, which is then checked', () => {
    const { ssl } = parseDatabaseUrl('mysql://root:x@db.example/orders?tls=true')
    expect(ssl).to.deep.equal({ minVersion: 'TLSv1.2', rejectUnauthorized: true, verifyIdentity: true })
    expect(parseDatabaseUrl('mysql://root:x@db.example/orders?tls=false')).not.to.have.property('ssl')
  })

  for (const [what, text] of Object.entries({
    'another scheme': 'postgres://root:hidden@db.example/orders',
    'no scheme': 'root:hidden@db.example/orders',
    'an unknown parameter': 'mysql://root:hidden@db.example/orders?multipleStatements=true',
    'tls of another kind': 'mysql://root:hidden@db.example/orders?tls=maybe',
    'an authority and no encryption': 'mysql://root:hidden@db.example/orders?ca=/etc/ca.pem',
    'an authority that is not there': 'mysql://root:hidden@db.example/orders?tls=true&ca=/nowhere/ca.pem',
    'a folder as authority': 'mysql://root:hidden@db.example/orders?tls=true&ca=/',
    'an authority that is no certificate': `mysql://root:hidden@db.example/orders?tls=true&ca=${import.meta.filename}`,
    'a bad escape': 'mysql://root:hidden%zz@db.example/orders',
    nothing: '',
  })) {
    it(`is refused with ${what}, and the password is not repeated`, () => {
      expect(() => parseDatabaseUrl(text))
        .to.throw(DatabaseError, /must look like mysql:/)
        .that.satisfies((error: DatabaseError) => error.code === 'DATABASE_URL_INVALID' && !error.message.includes('hidden'))
    })
  }
})
