import Foundation
import Testing

/// `Sources/README.md`, the map, shows what is there.
@Suite struct MapTests {
    private let text: String
    private let paths: [String]

    init() throws {
        text = try Repository.lines(of: "Sources/README.md").joined(separator: "\n")
        paths = try Repository.paths()
    }

    @Test func `every path that the map names exists`() {
        let named = text.matches(of: #/`([\w+.-]+(?:/[\w+.-]+)+|[\w+]+\.swift)`/#).map { String($0.output.1) }
        #expect(named.count > 15)
        for path in named {
            let isThere = paths.contains { file in
                file.hasPrefix("Sources/\(path)/") || file == "Sources/\(path)" || file.hasPrefix("\(path)/")
                    || file == path || !path.contains("/") && file.hasSuffix("/\(path)")
            }
            #expect(isThere, "\(path)")
        }
    }

    @Test func `the map has every target, and no other`() {
        let folders = Set(paths.filter { $0.hasPrefix("Sources/") }.map { String($0.split(separator: "/")[1]) })
            .subtracting(["README.md"])
        let named = Set(
            text.matches(of: #/\bC?C(?:onnlog|URL|ISAL|OpenSSL|Curl)[A-Z]?\w*|\bconnlog\b/#).map { String($0.output) })
        for folder in folders { #expect(named.contains(folder), "\(folder) is not on the map") }
        let targets = named.filter { $0.hasPrefix("Connlog") && $0 != "Connlog" }
        for target in targets { #expect(folders.contains(target), "there is no \(target)") }
    }
}
