//! nexlog
