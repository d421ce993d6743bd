/**
 * REAL values as the sqlite3 shell prints them: `%!.15g` where a text is shown, `%!.20g` where it has to
 * be read back.
 *
 * The digits are those of C's `long double` of 64 bits, in which SQLite's printf works up to version 3.42:
 * same bytes need the same steps, rounded in the same way.
 */

/** A positive number: `m * 2 ** e`, `m` of 64 bits at most. */
interface Extended {
  readonly m: bigint
  readonly e: number
}

const BITS = 64

function bitLength(m: bigint): number {
  const hex = m.toString(16)
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0] ?? '0', 16)))
}

/** Rounds to 64 bits, half to even. */
function round(m: bigint, e: number): Extended {
  const excess = bitLength(m) - BITS
  if (excess <= 0) return { m, e }
  const shift = BigInt(excess)
  const kept = m >> shift
  const rest = m - (kept << shift)
  const half = 1n << (shift - 1n)
  const up = rest > half || (rest === half && (kept & 1n) === 1n)
  return { m: up ? kept + 1n : kept, e: e + excess }
}

const view = new DataView(new ArrayBuffer(8))

function extended(value: number): Extended {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  return exponent === 0 ? { m: fraction, e: -1074 } : { m: fraction | (1n << 52n), e: exponent - 1075 }
}

const multiply = (a: Extended, b: Extended): Extended => round(a.m * b.m, a.e + b.e)

function divide(a: Extended, b: Extended): Extended {
  const wide = a.m << 140n
  const quotient = wide / b.m
  // One bit more says whether anything was left over, so that a half is known to be one.
  return round((quotient << 1n) | (quotient * b.m === wide ? 0n : 1n), a.e - b.e - 141)
}

/** The numbers at one exponent. */
function aligned(a: Extended, b: Extended): { a: bigint; b: bigint; e: number } {
  const e = Math.min(a.e, b.e)
  return { a: a.m << BigInt(a.e - e), b: b.m << BigInt(b.e - e), e }
}

function add(first: Extended, second: Extended): Extended {
  const { a, b, e } = aligned(first, second)
  return round(a + b, e)
}

function below(first: Extended, second: Extended): boolean {
  const { a, b } = aligned(first, second)
  return a < b
}

const [TENTH, ONE, TEN] = [extended(0.1), extended(1), extended(10)]
const SCALES = [100, 10, 1].map((power) => ({ power, factor: extended(10 ** power) }))
const [TINY, LARGE] = [extended(1e-8), extended(1e8)]

/** Brings a number to 1 up to 10; gives it and the power of ten that was taken out. */
function normalize(value: Extended): { value: Extended; exponent: number } {
  let exponent = 0
  let scale = ONE
  for (const { power, factor } of SCALES) {
    for (let next = multiply(factor, scale); !below(value, next); next = multiply(factor, scale)) {
      scale = multiply(scale, factor)
      exponent += power
    }
  }
  let rest = divide(value, scale)
  for (; below(rest, TINY); exponent -= 8) rest = multiply(rest, LARGE)
  for (; below(rest, ONE); exponent -= 1) rest = multiply(rest, TEN)
  return { value: rest, exponent }
}

/** Half a unit of the last digit, as SQLite comes to it: in doubles. */
const HALF_OF_20 = extended(5.0e-10 * 1.0e-10)
const HALF_OF_15 = extended(5.0e-5 * 1.0e-10)

/** Digits of a number, and the power of ten of the first. */
interface Digits {
  readonly digits: string
  readonly exponent: number
}

/** The first so many digits of a positive number. */
function longDigits(value: number, wanted: number, half: Extended): Digits {
  let { value: rest, exponent } = normalize(extended(value))
  rest = add(rest, half)
  if (!below(rest, TEN)) {
    rest = multiply(rest, TENTH)
    exponent += 1
  }
  let digits = ''
  for (let count = 0; count < wanted; count += 1) {
    const shift = BigInt(Math.max(0, -rest.e))
    const digit = rest.e >= 0 ? rest.m << BigInt(rest.e) : rest.m >> shift
    digits += digit.toString()
    rest = multiply({ m: rest.m - (digit << shift), e: rest.e }, TEN)
  }
  return { digits, exponent }
}

const twentyDigits = (value: number): Digits => longDigits(value, 20, HALF_OF_20)

/** Beyond, SQLite's steps do not come to the nearest 15 digits. */
const EXACT_MAX = 1e22
const EXACT_MIN = 1e-22

/** The first 15 digits. Where they are not close to the next, the nearest are the same. */
function fifteenDigits(value: number): Digits {
  const [finer = ''] = value.toExponential(17).split('e')
  if (value > EXACT_MAX || value < EXACT_MIN || /^(49|50)/.test(finer.slice(16))) {
    return longDigits(value, 15, HALF_OF_15)
  }
  const [mantissa = '', exponent] = value.toExponential(14).split('e')
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) }
}

/** C's `%g`, with at least one digit behind the point and no zeros at the end. */
function layOut(digits: string, exponent: number): string {
  const trimmed = (whole: string, fraction: string): string =>
    `${whole}.${fraction.replace(/0+$/, '') || '0'}`
  if (exponent < -4 || exponent >= digits.length) {
    const power = String(Math.abs(exponent)).padStart(2, '0')
    return `${trimmed(digits[0] ?? '0', digits.slice(1))}e${exponent < 0 ? '-' : '+'}${power}`
  }
  if (exponent < 0) return trimmed('0', '0'.repeat(-exponent - 1) + digits)
  return trimmed(digits.slice(0, exponent + 1), digits.slice(exponent + 1))
}

function format(value: number, digitsOf: (value: number) => Digits, infinity: string): string {
  if (value === 0) return '0.0'
  const sign = value < 0 ? '-' : ''
  if (!Number.isFinite(value)) return sign + infinity
  const { digits, exponent } = digitsOf(Math.abs(value))
  return sign + layOut(digits, exponent)
}

/** A REAL as a text is made of it. */
export const realText = (value: number): string => format(value, fifteenDigits, 'Inf')

/** A REAL that is read back as the same number; `infinity` is what stands for one. */
export const realExact = (value: number, infinity: string): string => format(value, twentyDigits, infinity)
