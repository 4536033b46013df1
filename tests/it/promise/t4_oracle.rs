//! T4: OpenDP as an independent oracle for the numbers in the bundle table: the loss of each group, and epsilon of a
//! loss.

use opendp::{
    combinators::make_zCDP_to_approxDP,
    domains::{AtomDomain, VectorDomain},
    measurements::make_gaussian,
    measures::ZeroConcentratedDivergence,
    metrics::{AbsoluteDistance, L2Distance},
};
use spots_enrichment::privacy::{
    Bundle,
    bundles::{DELTA, epsilon, rho_of_milliunits},
};

/// rho of integer Gaussian noise on a vector, computed by OpenDP.
fn rho(d2: f64, sigma: f64) -> f64 {
    let domain = VectorDomain::new(AtomDomain::<i64>::default());
    let noise = make_gaussian::<_, _, ZeroConcentratedDivergence>(domain, L2Distance::<f64>::default(), sigma, None);
    noise.unwrap().map(&d2).unwrap()
}

#[test]
fn t4_opendp_agrees_on_what_every_bundle_loses() {
    for bundle in Bundle::ALL {
        let groups = bundle.groups().iter();
        let lost: f64 = groups.map(|group| rho((group.d2_squared as f64).sqrt(), group.sigma())).sum();
        assert!(lost <= bundle.rho() * (1.0 + 1e-9), "{} loses {lost}, pays {}", bundle.name(), bundle.rho());
        assert!(lost > bundle.rho() * 0.999, "{} loses {lost}, pays {}", bundle.name(), bundle.rho());
    }
}

#[test]
fn t4_opendp_agrees_on_epsilon() {
    for milli_units in [120, 310, 500, 1_000, 20_000, 60_000, 240_000] {
        let rho = rho_of_milliunits(milli_units);
        let domain = AtomDomain::<f64>::new_non_nan();
        let noise = make_gaussian(domain, AbsoluteDistance::<f64>::default(), 1.0 / (2.0 * rho).sqrt(), None).unwrap();
        let oracle = make_zCDP_to_approxDP(noise).unwrap().map(&1.0).unwrap().epsilon(DELTA).unwrap();
        let ours = epsilon(rho, DELTA);
        assert!((ours - oracle).abs() < 1e-3, "{milli_units} milliunits: {ours}, OpenDP computes {oracle}");
    }
}

#[test]
fn t4_epsilons_are_the_published_ones() {
    for (units, published, digits) in [(1, 0.4990, 1e-3), (20, 2.48, 5e-3), (240, 10.04, 5e-3)] {
        let ours = epsilon(rho_of_milliunits(units * 1_000), DELTA);
        assert!((ours - published).abs() < digits, "{units} units: {ours}, published {published}");
    }
}

/// The price that the ledger charges for a bundle is the sum of the shares of its groups.
#[test]
fn t4_every_group_is_in_the_price() {
    for bundle in Bundle::ALL {
        let shares: u32 = bundle.groups().iter().map(|group| group.share_milli).sum();
        assert_eq!(i64::from(shares), bundle.price_milliunits(), "{}", bundle.name());
    }
    spots_enrichment::privacy::bundles::check().unwrap();
}
