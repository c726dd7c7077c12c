import ConnlogCore
import Foundation
import Testing

/// JSON that somebody else has made is read as Foundation reads it, or refused.
@Suite struct JSONReadingTests {
    private func read(_ text: String) -> JSONValue? { try? JSONValue(reading: Array(text.utf8)) }

    @Test func `values of every kind are what they say`() {
        #expect(
            read(" {\"a\" : [1, -2, 3.5, 1e3, true, false, null, \"x\\u00e9\\n\\\"\"], \"b\":{}} \n")
                == [
                    "a": .array([
                        .integer(1), .integer(-2), .raw("3.5"), .raw("1e3"), .boolean(true), .boolean(false), .null,
                        .string("xé\n\""),
                    ]), "b": .object([]),
                ])
        #expect(
            read("9223372036854775807") == .integer(.max) && read("9223372036854775808") == .raw("9223372036854775808"))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "nul", "tru", "01",
        "-",
        "1.", ".5", "1e", "+1", "\"", "\"a", "\"\\", "\"a\nb\"", "1 2", "{}{}", "<html>", "'a'", "[1 2]", "NaN",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(read(text) == nil)
    }

    @Test(arguments: [JSONValue.depthMax - 1, JSONValue.depthMax, JSONValue.depthMax + 1, 1_000_000])
    func `values in one another are read up to the limit`(depth: Int) {
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect((read(text) != nil) == (depth <= JSONValue.depthMax))
    }

    @Test func `whatever is cut off or changed ends, and what is read Foundation reads too`() {
        let text = Array(#"{"users":[{"id":"a","n":-1.5e+3,"x":[true,null,"\u00e9\\"]}],"count":12}"#.utf8)
        for end in 0..<text.count { #expect((try? JSONValue(reading: Array(text[..<end]))) == nil) }
        for place in text.indices {
            for byte in [UInt8(0), 0x22, 0x5c, 0x7b, 0x7d, 0x2c, 0x3a, 0x30, 0xff] {
                var changed = text
                changed[place] = byte
                guard (try? JSONValue(reading: changed)) != nil, byte != 0xff else { continue }
                let other = try? JSONSerialization.jsonObject(with: Data(changed), options: .fragmentsAllowed)
                #expect(other != nil, "\(String(decoding: changed, as: UTF8.self))")
            }
        }
    }
}
