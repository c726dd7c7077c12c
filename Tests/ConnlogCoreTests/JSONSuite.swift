/// The cases of the well-known JSON parsing test suite by their kinds: what must be taken, what must be refused.
///
/// Each is the whole text, as bytes where it is not UTF-8.
enum JSONSuite {
    struct Case: Sendable, CustomStringConvertible {
        let name: String
        let bytes: [UInt8]

        init(_ name: String, _ text: String) { (self.name, bytes) = (name, Array(text.utf8)) }
        init(_ name: String, _ bytes: [UInt8]) { (self.name, self.bytes) = (name, bytes) }

        var description: String { name }
    }

    private static func quoted(_ inside: [UInt8]) -> [UInt8] { Array("[\"".utf8) + inside + Array("\"]".utf8) }

    static let accepted: [Case] = [
        Case("array_arraysWithSpaces", "[[]   ]"), Case("array_empty-string", "[\"\"]"), Case("array_empty", "[]"),
        Case("array_ending_with_newline", "[\"a\"]\n"), Case("array_false", "[false]"),
        Case("array_heterogeneous", "[null, 1, \"1\", {}]"), Case("array_null", "[null]"),
        Case("array_with_1_and_newline", "[1\n]"), Case("array_with_leading_space", " [1]"),
        Case("array_with_several_null", "[1,null,null,null,2]"), Case("array_with_trailing_space", "[2] "),
        Case("number", "[123e65]"), Case("number_0e+1", "[0e+1]"), Case("number_0e1", "[0e1]"),
        Case("number_after_space", "[ 4]"), Case("number_close_to_zero", "[-0.\(String(repeating: "0", count: 77))1]"),
        Case("number_int_with_exp", "[20e1]"), Case("number_minus_zero", "[-0]"), Case("number_negative_int", "[-123]"),
        Case("number_negative_one", "[-1]"), Case("number_real_capital_e", "[1E22]"),
        Case("number_real_capital_e_neg_exp", "[1E-2]"), Case("number_real_capital_e_pos_exp", "[1E+2]"),
        Case("number_real_exponent", "[123e45]"), Case("number_real_fraction_exponent", "[123.456e78]"),
        Case("number_real_neg_exp", "[1e-2]"), Case("number_real_pos_exponent", "[1e+2]"),
        Case("number_simple_int", "[123]"),
        Case("number_simple_real", "[123.456789]"), Case("number_huge_exp", "[0.4e006699999999999999999999999999999]"),
        Case("object", #"{"asd":"sdf", "dfg":"fgh"}"#), Case("object_basic", #"{"asd":"sdf"}"#),
        Case("object_duplicated_key", #"{"a":"b","a":"c"}"#), Case("object_empty", "{}"),
        Case("object_empty_key", #"{"":0}"#),
        Case("object_escaped_null_in_key", #"{"foo\u0000bar": 42}"#),
        Case("object_extreme_numbers", #"{ "min": -1.0e+28, "max": 1.0e+28 }"#),
        Case(
            "object_long_strings",
            #"{"x":[{"id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}], "id": "xxxxxxxxxxxxxxxxxxxx"}"#),
        Case("object_string_unicode", #"{"title":"\u041f\u043e\u043b\u0442\u043e\u0440\u0430"}"#),
        Case("object_with_newlines", "{\n\"a\": \"b\"\n}"),
        Case("string_1_2_3_bytes_UTF-8_sequences", #"["\u0060\u012a\u12AB"]"#),
        Case("string_accepted_surrogate_pair", #"["\uD801\udc37"]"#),
        Case("string_allowed_escapes", #"["\"\\\/\b\f\n\r\t"]"#),
        Case("string_backslash_and_u_escaped_zero", #"["\\u0000"]"#), Case("string_backslash_doublequotes", #"["\""]"#),
        Case("string_comments", #"["a/*b*/c/*d//e"]"#), Case("string_double_escape_a", #"["\\a"]"#),
        Case("string_double_escape_n", #"["\\n"]"#), Case("string_escaped_control_character", #"["\u0012"]"#),
        Case("string_escaped_noncharacter", #"["\uFFFF"]"#), Case("string_in_array", #"["asd"]"#),
        Case("string_in_array_with_leading_space", #"[ "asd"]"#),
        Case("string_last_surrogates_1_and_2", #"["\uDBFF\uDFFF"]"#),
        Case("string_nbsp_uescaped", #"["new\u00A0line"]"#),
        Case("string_nonCharacterInUTF-8_U+10FFFF", "[\"\u{10FFFF}\"]"),
        Case("string_nonCharacterInUTF-8_U+FFFF", "[\"\u{FFFF}\"]"), Case("string_null_escape", #"["\u0000"]"#),
        Case("string_one-byte-utf-8", #"["\u002c"]"#), Case("string_pi", "[\"π\"]"),
        Case("string_simple_ascii", #"["asd "]"#),
        Case("string_space", "\" \""), Case("string_three-byte-utf-8", #"["\u0821"]"#),
        Case("string_u+2028_line_sep", "[\"\u{2028}\"]"),
        Case("string_u+2029_par_sep", "[\"\u{2029}\"]"), Case("string_uEscape", #"["\u0061\u30af\u30EA\u30b9"]"#),
        Case("string_unescaped_char_delete", "[\"\u{7f}\"]"), Case("string_unicode", #"["\uA66D"]"#),
        Case("string_unicodeEscapedBackslash", #"["\u005C"]"#), Case("string_unicode_2", "[\"⍂㈴⍂\"]"),
        Case("string_unicode_U+10FFFE_nonchar", #"["\uDBFF\uDFFE"]"#), Case("string_utf8", "[\"€𝄞\"]"),
        Case("string_with_del_character", "[\"a\u{7f}a\"]"), Case("structure_lonely_false", "false"),
        Case("structure_lonely_int", "42"), Case("structure_lonely_negative_real", "-0.1"),
        Case("structure_lonely_null", "null"),
        Case("structure_lonely_string", "\"asd\""), Case("structure_lonely_true", "true"),
        Case("structure_string_empty", "\"\""),
        Case("structure_trailing_newline", "[\"a\"]\n"), Case("structure_true_in_array", "[true]"),
        Case("structure_whitespace_array", " [] "),
        Case("structure_all_blanks", "\t\r\n [\t\r\n 1\t\r\n ,\t\r\n 2\t\r\n ]\t\r\n "),
        // Left open by the standard, taken here as Go takes them.
        Case("i_number_huge_exp", "[0.4e00669999999999999999999999999999969999999006]"),
        Case("i_number_too_big", "[-123123e100000]"),
        Case("i_object_key_lone_2nd_surrogate", #"{"\uDFAA":0}"#),
        Case("i_string_1st_surrogate_but_2nd_missing", #"["\uDADA"]"#),
        Case("i_string_inverted_surrogates", #"["\uDd1e\uD834"]"#),
        Case("i_string_1st_valid_2nd_invalid", #"["\uD888\u1234"]"#),
        Case("i_structure_500_nested_arrays", String(repeating: "[", count: 500) + String(repeating: "]", count: 500)),
    ]

    static let refused: [Case] = arrays + numbers + objects + strings + structures

    private static let arrays: [Case] = [
        Case("array_1_true_without_comma", "[1 true]"), Case("array_a_invalid_utf8", [0x5b, 0x61, 0xe5, 0x5d]),
        Case("array_colon_instead_of_comma", "[\"\": 1]"), Case("array_comma_after_close", "[\"\"],"),
        Case("array_comma_and_number", "[,1]"), Case("array_double_comma", "[1,,2]"),
        Case("array_double_extra_comma", "[\"x\",,]"),
        Case("array_extra_close", "[\"x\"]]"), Case("array_extra_comma", "[\"\",]"), Case("array_incomplete", "[\"x\""),
        Case("array_incomplete_invalid_value", "[x"), Case("array_inner_array_no_comma", "[3[4]]"),
        Case("array_invalid_utf8", [0x5b, 0xff, 0x5d]), Case("array_items_separated_by_semicolon", "[1:2]"),
        Case("array_just_comma", "[,]"), Case("array_just_minus", "[-]"), Case("array_missing_value", "[   , \"\"]"),
        Case("array_newlines_unclosed", "[\"a\",\n4\n,1,"), Case("array_number_and_comma", "[1,]"),
        Case("array_number_and_several_commas", "[1,,]"),
        Case("array_spaces_vertical_tab_formfeed", "[\"\u{0b}a\"\\f]"),
        Case("array_star_inside", "[*]"), Case("array_unclosed", "[\"\""), Case("array_unclosed_trailing_comma", "[1,"),
        Case("array_unclosed_with_new_lines", "[1,\n1\n,1"), Case("array_unclosed_with_object_inside", "[{}"),
        Case("incomplete_false", "[fals]"), Case("incomplete_null", "[nul]"), Case("incomplete_true", "[tru]"),
        Case("multidigit_number_then_00", [0x31, 0x32, 0x33, 0x00]),
    ]

    private static let numbers: [Case] = [
        "++1234", "+1", "+Inf", "-01", "-1.0.", "-2.", "-NaN", ".-1", ".2e-3", "0.1.2", "0.3e+", "0.3e", "0.e1",
        "0_capital_E 0E",
        "0E+", "0e+", "0e", "1.0e+", "1.0e-", "1.0e", "1 000.0", "1eE2", "2.e+3", "2.e-3", "2.e3", "9.e+", "Inf", "NaN",
        "\u{ff11}",
        "1+2", "0x1", "0x42", "Infinity", "0e+-1", "-123.123foo", "123\u{e5}", "1e1\u{e5}", "0\u{e5}", "-Infinity",
        "-foo", "- 1",
        "-012", "-.123", "-1x", "1ea", "1e\u{e5}", "1.", ".123", "1.2a-3", "1.8011670033376514H-308", "012", "-", "--1",
        "00", "1e+1.5",
        "1_000", "0b1", "1,2e", "1e", "1E", "--", "+", "e1", "1..2",
    ].map { Case("number_\($0)", "[\($0)]") }

    private static let objects: [Case] = [
        #"["x", truth]"#, #"{[: "x"}"#, #"{"x", null}"#, #"{"x"::"b"}"#, "{🇨🇭}", #"{"a":"a" 123}"#, "{key: 'value'}",
        #"{"a" b}"#,
        #"{:"b"}"#, #"{"a" "b"}"#, #"{"a":"#, #"{"a""#, "{1:1}", "{9999E9999:1}", "{null:null,null:null}",
        #"{"id":0,,,,,}"#,
        "{'a':0}", #"{"id":0,}"#, #"{"a":"b"}/**/"#, #"{"a":"b"}/**//"#, #"{"a":"b"}//"#, #"{"a":"b"}/"#,
        #"{"a":"b",,"c":"d"}"#,
        #"{a: "b"}"#, #"{"a":"a"#, #"{ "foo" : "bar", "a" }"#, #"{"a":"b"}#"#, #"{"a":"b""#, #"{"a":"b",}"#, #"{"a"}"#,
        "{,}", "{\"a\":}",
        "{\"a\":1 \"b\":2}", "{\"a\":1]", "[1}", "{", "}", "{]", "{\"a\":1}}", "{\"a\":[}", "{\"a\":{}",
        "{\"a\",\"b\"}",
    ].map { Case("object_\($0)", $0) }

    private static let strings: [Case] =
        [
            #"["\uD800\"]"#, #"["\uD800\u"]"#, #"["\uD800\u1"]"#, #"["\uD800\u1x"]"#, "[é]", #"["\x00"]"#, #"["\\\"]"#,
            "[\"\\\t\"]", "[\"\\🌀\"]", #"["\"]"#, #"["\u00A"]"#, #"["\uD834\uDd"]"#, #"["\uD800\uD800\x"]"#,
            #"["\u0 12"]"#,
            #"["\a"]"#, #"["\uqqqq"]"#, "[\\u0020\"asd\"]", "[\\n]", "\"", "['single quote']", "abc", "[\"\\", #"["a"#,
            "[\"new\nline\"]",
            "[\"\t\"]", #""\UA66D""#, #"[""x]"#, "[\"\u{1f}\"]", "[\"a\u{0}a\"]", #"["\'"]"#, #"["\0"]"#, "\"\\u",
            "\"\\u12", "\"\\u12\"",
        ].map { Case("string_\($0)", $0) }
        + [
            ("escaped invalid", [0x5c, 0xe5]), ("lone continuation", [0x80]), ("two continuations", [0x80, 0xbf]),
            ("overlong 2", [0xc0, 0xaf]), ("overlong NUL", [0xc0, 0x80]), ("overlong c1", [0xc1, 0xbf]),
            ("overlong 3", [0xe0, 0x80, 0xaf]),
            ("overlong 3 last", [0xe0, 0x9f, 0xbf]), ("overlong 4", [0xf0, 0x80, 0x80, 0xaf]),
            ("overlong 4 last", [0xf0, 0x8f, 0xbf, 0xbf]),
            ("surrogate first", [0xed, 0xa0, 0x80]), ("surrogate last", [0xed, 0xbf, 0xbf]),
            ("above range", [0xf4, 0x90, 0x80, 0x80]),
            ("f5", [0xf5, 0x80, 0x80, 0x80]), ("fe", [0xfe]), ("ff", [0xff]),
            ("six bytes", [0xfc, 0x83, 0xbf, 0xbf, 0xbf, 0xbf]),
            ("cut 2", [0xc3]), ("cut 3", [0xe2, 0x82]), ("cut 4", [0xf0, 0x9f, 0x98]), ("latin 1", [0xe9]),
            ("c3 then ascii", [0xc3, 0x28]),
            ("e2 28", [0xe2, 0x28, 0xa1]), ("e2 82 28", [0xe2, 0x82, 0x28]), ("f0 28", [0xf0, 0x28, 0x8c, 0xbc]),
            ("invalid u", [0x5c, 0x75, 0xe5]), ("UTF-16", [0x00, 0xe9]),
        ].map { Case("string_\($0.0)", quoted($0.1)) }

    private static let structures: [Case] = [
        Case("structure_100000_opening_arrays", String(repeating: "[", count: 100_000)),
        Case("structure_open_array_object", String(repeating: "[{\"\":", count: 50_000)),
        Case("structure_U+2060_word_joined", "[\u{2060}]"), Case("structure_UTF8_BOM_no_data", [0xef, 0xbb, 0xbf]),
        Case("structure_BOM", "\u{feff}{}"), Case("structure_angle_bracket", "<.>"), Case("structure_null", "[<null>]"),
        Case("structure_array_trailing_garbage", "[1]x"), Case("structure_array_with_extra_close", "[1]]"),
        Case("structure_array_unclosed_string", "[\"asd]"), Case("structure_capitalized_True", "[True]"),
        Case("structure_close_unopened", "1]"),
        Case("structure_comma_instead_of_close", "{\"x\": true,"), Case("structure_double_array", "[][]"),
        Case("structure_end_array", "]"),
        Case("structure_incomplete_BOM", [0xef, 0xbb, 0x7b, 0x7d]), Case("structure_lone_invalid", [0xe5]),
        Case("structure_lone_open", "["),
        Case("structure_no_data", ""), Case("structure_null_byte", "[\u{0}]"),
        Case("structure_number_with_trailing_garbage", "2@"),
        Case("structure_object_followed_by_closing", "{}}"), Case("structure_object_unclosed_no_value", "{\"\":"),
        Case("structure_object_with_comment", "{\"a\":/*comment*/\"b\"}"),
        Case("structure_object_with_trailing_garbage", "{\"a\": true} \"x\""),
        Case("structure_open_apostrophe", "['"), Case("structure_open_comma", "[,"),
        Case("structure_open_object", "[{"),
        Case("structure_open_string", "[\"a"), Case("structure_open_object_close_array", "{]"),
        Case("structure_open_open", "[\"\\{[\"\\{"),
        Case("structure_single_eacute", [0xe9]), Case("structure_single_star", "*"),
        Case("structure_trailing_#", "{\"a\":\"b\"}#{}"),
        Case("structure_uescaped_LF_before_string", "[\\u000A\"\"]"), Case("structure_unclosed_array", "[1"),
        Case("structure_unclosed_array_partial_null", "[ false, nul"),
        Case("structure_unclosed_array_unfinished_false", "[ true, fals"),
        Case("structure_unclosed_array_unfinished_true", "[ false, tru"),
        Case("structure_unclosed_object", "{\"asd\":\"asd\""),
        Case("structure_unicode-identifier", "å"), Case("structure_whitespace_U+2060", "\u{2060}"),
        Case("structure_whitespace_formfeed", "[\u{0c}]"), Case("structure_whitespace_nbsp", "[\u{a0}]"),
        Case("structure_ascii-unicode", "aå"),
        Case("structure_only_blanks", "  \t "), Case("structure_two_values", "1 2"),
        Case("structure_NUL_behind", "{}\u{0}"),
        Case("structure_513_nested", String(repeating: "[", count: 513) + String(repeating: "]", count: 513)),
    ]
}
