/* SPDX-License-Identifier: ISC
 *
 * What this build has (the options of the top CMakeLists.txt), as constants: so the compiler leaves out what is only for what it
 * has not, and sees it all the same.
 */
#ifndef IKE_BASE_WITH_H
#define IKE_BASE_WITH_H

#ifdef IKE_HAVE_V1
enum { IKE_WITH_V1 = 1 };
#else
enum { IKE_WITH_V1 = 0 };
#endif
#ifdef IKE_HAVE_WORDS
enum { IKE_WITH_WORDS = 1 };
#else
enum { IKE_WITH_WORDS = 0 };
#endif
#ifdef IKE_HAVE_BUNDLES
enum { IKE_WITH_BUNDLES = 1 };
#else
enum { IKE_WITH_BUNDLES = 0 };
#endif
#ifdef IKE_HAVE_KEEPUP
enum { IKE_WITH_KEEPUP = 1 };
#else
enum { IKE_WITH_KEEPUP = 0 };
#endif
#ifdef IKE_HAVE_PROPOSALS
enum { IKE_WITH_PROPOSALS = 1 };
#else
enum { IKE_WITH_PROPOSALS = 0 };
#endif
#ifdef IKE_HAVE_QUESTIONS
enum { IKE_WITH_QUESTIONS = 1 };
#else
enum { IKE_WITH_QUESTIONS = 0 };
#endif
#ifdef IKE_HAVE_RECORDS
enum { IKE_WITH_RECORDS = 1 };
#else
enum { IKE_WITH_RECORDS = 0 };
#endif

#endif
