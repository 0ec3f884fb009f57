//! The attribute from end to end inside the macro.
