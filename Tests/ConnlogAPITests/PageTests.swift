#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

/// The page's files and its login; what the page does is tested in a browser.
@Suite struct PageTests {
    @Test func `the page and each of its files come with a strict policy, and nothing else is there`() async throws {
        try await withServer { server async throws in
            let page = try await server.get("/")
            #expect(page.status == 200 && page.contentType == "text/html; charset=utf-8")
            let files = page.text.matches(of: #/(?:href|src)="(page/[^"]+)"/#).map { String($0.1) }
            #expect(files.count > 10)
            for file in files { #expect(try await server.get("/\(file)").status == 200) }
            #expect(!page.text.contains("style=") && !page.text.contains("onclick"))
            for path in ["/page/", "/page/none.js", "/page/../index.html", "/page/%2e%2e/api.js", "/index.html"] {
                #expect(try await server.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func `no script of the page writes markup`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/ConnlogAPI/Page/Files")
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let text = try String(contentsOf: file, encoding: .utf8)
            for word in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://",
            ] {
                let isNamespace = word == "http://" && file.lastPathComponent == "dom.js"
                #expect(isNamespace || !text.contains(word), "\(file.lastPathComponent): \(word)")
            }
        }
    }
}
#endif
