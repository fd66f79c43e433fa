/** The project of `syncproof doctor`, which sends an event through everything and takes it out again. What is summed over all
 *  projects for operators leaves it out: nobody is to be woken by a test, and no figure moves. Reserved: nothing else
 *  may be stored in it. */
export const SHADOW_PROJECT = 'syncproof-doctor'
