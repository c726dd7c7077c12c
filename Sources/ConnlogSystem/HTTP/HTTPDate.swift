internal import CCurl

/// The dates of HTTP, as libcurl reads them: `Sun, 06 Nov 1994 08:49:37 GMT` and the two obsolete forms (RFC 9110 §5.6.7).
package enum HTTPDate {
    /// Seconds since 1970; `nil` for what is no date.
    package static func parse(_ text: String) -> Int64? {
        let seconds = unsafe curl_getdate(text, nil)
        return seconds == -1 ? nil : Int64(seconds)
    }
}
