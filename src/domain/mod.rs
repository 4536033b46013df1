//! Types of the domain without input or output: the lowest layer, which uses no other layer.

pub mod age;
pub mod atom;
pub mod clock;
pub mod dimensions;
pub mod epoch;
pub mod erased;
pub mod error;
pub mod key;
pub mod mutant;
pub mod page;
pub mod precision;
pub mod product;
pub mod product_state;
pub mod product_vocabulary;
pub mod quota;
pub mod random;
pub mod scope;
pub mod segment;
