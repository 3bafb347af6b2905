/**
 * Where a server is.
 */
import { OptionError } from "./errors.js";

/**
 * The address as connect wants it.
 *
 * @throws {@link OptionError} if it is no http or https URL
 */
export function baseUrl(address: string): string {
    const isUrl = URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
    if (isUrl) return address;
    throw new OptionError(
        "address",
        `expected a URL as in http://127.0.0.1:50051, got ${JSON.stringify(address)}`,
    );
}
