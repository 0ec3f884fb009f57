//! One mistake, one error: where its caret is, and which remedy it names. One file for each text
//! of `nexlog-macros/src/record/check.rs`, and for each bound that an expansion puts on a value.

#[test]
fn mistakes_are_explained_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
