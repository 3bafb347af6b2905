/**
 * What `browser.test.ts` asks of a page.
 */
import * as client from "@linfa-serve/client/web";

Object.assign(globalThis, { client });
