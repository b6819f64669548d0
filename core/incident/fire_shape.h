/* What an observer of a fire can have seen, as a shape on the ground: a camera's sector or a disc.
 * Sectors are convex polygons of geodesic corners; shapes are compared in the azimuthal equidistant
 * plane around one of them, where lines of sight over 35 km are straight to a few metres. */
#ifndef CORE_INCIDENT_FIRE_SHAPE_H
#define CORE_INCIDENT_FIRE_SHAPE_H

#include "core/incident/incident.h"

enum {
    MAST_M = 100, /* cameras nearer than that are one observer */
};

/* False when the sighting says no place: no position, or a camera without a direction. */
MUST_USE bool sight_of(struct sight *ret, const struct sighting *sighting,
                       const struct fire_rules *rules);
static inline bool sight_is_sector(const struct sight *sight) {
    return sight->half_cone_deg > 0.0F;
}
/* Two sectors from one mast. */
bool sights_share_mast(const struct sight *a, const struct sight *b);
/* Least angle between two directions, 0..180. */
double azimuth_difference_deg(double a_deg, double b_deg);
/* From a to b, 0..360, north 0. */
double bearing_deg(struct position a, struct position b);

/* From a sector or disc to a point; 0 within. */
double sight_distance_m(const struct sight *sight, struct position point);
/* Where two sectors overlap: centre and radius around it. False when they do not. */
MUST_USE bool sectors_meet(const struct sight *a, const struct sight *b,
                           struct position *ret_centre, double *ret_radius_m);

#endif
