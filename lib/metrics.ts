/** Metrics of the process in the forms that monitoring systems read. */

import { connectionHandle } from './connection.js'
import { native } from './native.js'

export { connectionHandle, native }
