//! What `recovery` needs: a reader of ring files that is not the one under test, and damage.

pub mod damage;
pub mod ring;
