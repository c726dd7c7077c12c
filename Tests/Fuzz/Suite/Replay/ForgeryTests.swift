import Foundation
import Testing

/// Many logs with text of somebody who would like to write events himself.
@Suite struct ForgeryTests {
    /// `CONNLOG_FORGERY_ROUNDS` asks for more; ten million were run.
    private static let rounds =
        ProcessInfo.processInfo.environment["CONNLOG_FORGERY_ROUNDS"].flatMap { Int($0) } ?? 8_000

    @Test(arguments: 0..<5) func `no text of others becomes an event, and none of coderd's is lost for it`(part: Int)
        throws
    {
        let seed = ProcessInfo.processInfo.environment["CONNLOG_FORGERY_SEED"].flatMap { UInt64($0) } ?? 1
        var state = seed &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(part)
        for round in 0..<Self.rounds / 5 {
            var bytes: [UInt8] = []
            for _ in 0..<64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(UInt8(truncatingIfNeeded: state >> 33))
            }
            do throws(Finding) {
                try ForgeryTarget.check(bytes)
            } catch {
                Issue.record("round \(round): \(error.promise)\n\(Data(bytes).base64EncodedString())")
                return
            }
        }
    }

    @Test func `the logs hold what they should, so that there is something to find`() {
        var (events, forged) = (0, 0)
        for number in 0..<200 as Range<UInt8> {
            let log = HostileLog((0..<64).map { UInt8(truncatingIfNeeded: Int(number) * 31 + $0 * 7 + $0 * $0) })
            events += log.events.count
            forged += String(decoding: log.bytes, as: UTF8.self).components(separatedBy: "forged").count - 1
        }
        for shipper in Shipper.allCases {
            let record = String(
                decoding: shipper.record(Array("line".utf8), Array("aside".utf8), isLast: true), as: UTF8.self)
            #expect(record.contains("\"line\"") && record.contains("aside"))
        }
        #expect(events > 100)
        #expect(forged > 500)
    }
}
