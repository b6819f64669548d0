/* Positions in the coordinate systems that Chinese maps use, and distance on the sphere.
 *
 * gcj02 and bd09 are offset systems; the forward formulas are the published ones (header of geo.c
 * names the source), the inverse is found by fixed-point iteration to better than 1e-8 degrees.
 * cgcs2000 differs from WGS 84 by centimetres and is taken as equal. Outside China's bounding box
 * gcj02 equals WGS 84. Pure, O(1). */
#ifndef CORE_REGION_GEO_H
#define CORE_REGION_GEO_H

#include "core/base/base.h"

enum crs { CRS_WGS84, CRS_GCJ02, CRS_BD09, CRS_CGCS2000 };

struct position {
    double lat_deg, lon_deg;
};

/* The system's code as the API spells it ("wgs84", ...). False when unknown. */
MUST_USE bool crs_parse(enum crs *ret_crs, struct slice text);

struct position geo_to_wgs84(struct position from, enum crs crs);
struct position geo_from_wgs84(struct position from, enum crs crs);

/* Great-circle distance in metres (haversine, mean earth radius 6,371,008.8 m). */
double geo_distance_m(struct position a, struct position b);

#endif
