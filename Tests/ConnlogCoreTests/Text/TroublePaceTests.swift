import ConnlogCore
import Testing

@Suite struct TroublePaceTests {
    /// What is said of troubles that are looked at once a second.
    private func said(_ troubles: [String?]) -> [(second: Int, words: String)] {
        var pace = TroublePace()
        return troubles.enumerated().compactMap { second, trouble in
            pace.words(trouble, now: .seconds(1000 + second)).map { (second, $0) }
        }
    }

    private func texts(_ troubles: [String?]) -> [String] { said(troubles).map { "\($0.second): \($0.words)" } }

    @Test func `a trouble that stays is told once`() {
        #expect(texts([nil, nil] + Array(repeating: "bad", count: 500)) == ["2: bad"])
    }

    @Test func `one that is over and comes back after a pause is told again`() {
        let troubles: [String?] = ["bad"] + Array(repeating: nil, count: 60) + ["bad", "bad"]
        #expect(texts(troubles) == ["0: bad", "61: bad"])
    }

    @Test(arguments: [59, 60, 61, 600]) func `one that comes and goes is told once a minute, with how often`(count: Int)
    {
        let told = texts((0...count).map { $0.isMultiple(of: 2) ? "bad" : nil })
        #expect(told.count == 1 + count / 60)
        #expect(told.first == "0: bad")
        if count >= 60 { #expect(told[1] == "60: bad (it came and went: 60 changes within 60 s)") }
    }

    @Test func `that it came and went is told when it is over too`() {
        let troubles: [String?] = ["bad", nil, "bad", nil] + Array(repeating: nil, count: 300)
        #expect(texts(troubles) == ["0: bad", "60: all is well again (it came and went: 3 changes within 60 s)"])
    }

    @Test func `another trouble does not wait for the pace of the first, and one told late is told`() {
        #expect(texts(["bad", "worse", "worse", nil]) == ["0: bad", "1: worse"])
        let many = (0..<200).map { "trouble \($0)" } as [String?]
        let told = said(many)
        #expect(told.count == 10 + 3 * 10)
        #expect(told.allSatisfy { $0.second < 10 || $0.second.isMultiple(of: 60) || $0.second % 60 < 10 })
    }
}
