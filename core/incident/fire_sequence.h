/* A camera's frames of one place in its image (domain.md 4.2, camera fire): boxes of one camera and
 * pose that overlap and come soon after each other. Boxes are x0 y0 x1 y1 in 65535ths of the image,
 * and all is whole numbers, so that the verdict is the same on every machine. */
#ifndef CORE_INCIDENT_FIRE_SEQUENCE_H
#define CORE_INCIDENT_FIRE_SEQUENCE_H

#include "core/incident/incident.h"

/* Intersection over union in thousandths, rounded down. */
unsigned boxes_overlap_permille(const uint16_t a[4], const uint16_t b[4]);

/* The sequence that a sighting is the next frame of: the one that it overlaps most, of equal ones
 * the first. NULL: none, or the sighting is no frame. O(FIRE_SEQUENCES_MAX). */
const struct sequence *fire_sequence_of(const struct fire *fire, const struct sighting *sighting,
                                        const struct fire_rules *rules);
/* Adds a frame to its sequence or begins one; frames of one instant are one image and count once.
 * When there is no room, one that is over gives way, else the frame is in none. True when the
 * sequence now has enough frames close enough to confirm the fire. */
bool fire_add_frame(struct fire *fire, const struct sighting *sighting,
                    const struct fire_rules *rules);
/* Takes another fire's sequences in, as far as there is room. */
void fire_absorb_sequences(struct fire *survivor, const struct fire *merged);

#endif
